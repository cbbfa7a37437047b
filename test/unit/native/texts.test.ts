// SPDX-License-Identifier: Apache-2.0
import {
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBelow } from '../../../src/native/index.js';

const { ENOENT, EISDIR, EINVAL } = constants.errno;

/** What was read of each name: text, or `-errno`. */
function readAll(directory: string, files: string[], links: string[] = []): (string | number)[] {
  const read = readBelow(directory, files, links);
  if (typeof read === 'number') return [read];
  const { results, text } = read;
  return [...files, ...links].map((_, index) => {
    const [error = 0, end] = results.subarray(index * 2, index * 2 + 2);
    const start = results[index * 2 - 1] ?? 0;
    return error === 0 ? Buffer.from(text).toString('latin1', start, end) : error;
  });
}

function temporary(t: { teardown(work: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-texts-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

test('files and links are read in order, of any size', (t) => {
  const directory = temporary(t);
  const large = 'large '.repeat(100_000);
  writeFileSync(join(directory, 'large'), large);
  writeFileSync(join(directory, 'empty'), '');
  writeFileSync(join(directory, 'short'), 'x');
  symlinkSync('/no/where', join(directory, 'link'));
  t.deepEqual(readAll(directory, ['empty', 'large', 'empty', 'short'], ['link']), [
    '',
    large,
    '',
    'x',
    '/no/where',
  ]);
  t.deepEqual(readAll(directory, []), []);
});

test('each failure is told by itself, and the rest is read', (t) => {
  const directory = temporary(t);
  writeFileSync(join(directory, 'a'), 'A');
  writeFileSync(join(directory, 'b'), 'B');
  t.deepEqual(readAll(directory, ['a', 'missing', '.', 'b'], ['missing', 'a']), [
    'A',
    -ENOENT,
    -EISDIR,
    'B',
    -ENOENT,
    -EINVAL,
  ]);
});

test('a process is read by paths below its folder, and one that is gone is told', (t) => {
  const self = `/proc/${String(process.pid)}`;
  t.deepEqual(readAll(self, ['limits', 'task/../personality'], ['ns/mnt']), [
    readFileSync(`${self}/limits`, 'latin1'),
    readFileSync(`${self}/personality`, 'latin1'),
    readlinkSync(`${self}/ns/mnt`),
  ]);
  t.deepEqual(readAll(`/proc/${String(2 ** 22 + 1)}`, ['stat']), [-ENOENT]);
});
