// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { startFile, writeEntry } from '../../../../src/criu/image/codec.js';
import { decodeGhostFile, encodeGhostFile } from '../../../../src/criu/image/ghost.js';

const ENTRY = { uid: 5, gid: 6, mode: 0o100644, mvas_xattrs: [], mvas_runs: [] };
const DATA = Uint8Array.of(1, 2, 3);

test('chunks keep their places and holes stay holes', (t) => {
  const content = [
    { offset: 0n, data: DATA },
    { offset: 1n << 40n, data: DATA },
  ];
  const decoded = decodeGhostFile(encodeGhostFile({ entry: ENTRY, content }));
  t.deepEqual(decoded.content, content);
  t.deepEqual(decoded.entry, { ...ENTRY, chunks: true, size: (1n << 40n) + 3n });
});

test('a hole at the end is kept by the size', (t) => {
  const decoded = decodeGhostFile(encodeGhostFile({ entry: { ...ENTRY, size: 99n }, content: [] }));
  t.deepEqual(decoded, { entry: { ...ENTRY, chunks: true, size: 99n }, content: [] });
});

test('reads content that follows whole, as CRIU writes small files', (t) => {
  const writer = startFile('ghost-file');
  writeEntry(writer, 'ghost_file_entry', ENTRY);
  writer.raw(DATA);
  t.deepEqual(decodeGhostFile(writer.finish()).content, [{ offset: 0n, data: DATA }]);
  const short = startFile('ghost-file');
  writeEntry(short, 'ghost_file_entry', { ...ENTRY, size: 2n });
  short.raw(DATA);
  t.throws(() => decodeGhostFile(short.finish()), { code: 15, message: /more content/ });
});

test('refuses chunks beyond the file, and does not write them', (t) => {
  const content = [{ offset: 8n, data: DATA }];
  t.throws(() => encodeGhostFile({ entry: { ...ENTRY, size: 10n }, content }), { code: 13 });
  const writer = startFile('ghost-file');
  writeEntry(writer, 'ghost_file_entry', { ...ENTRY, chunks: true, size: 10n });
  writeEntry(writer, 'ghost_chunk_entry', { off: 8n, len: 3n });
  writer.raw(DATA);
  const bytes = writer.finish();
  t.throws(() => decodeGhostFile(bytes), { instanceOf: ShimError, code: 15, message: /beyond/ });
  t.throws(() => decodeGhostFile(bytes.subarray(0, -1)), { code: 15, message: /beyond the end/ });
});
