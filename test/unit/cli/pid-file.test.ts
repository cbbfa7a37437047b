// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { PidFile } from '../../../src/cli/pid-file.js';

function pathIn(t: ExecutionContext): { folder: string; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-pid-file-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return { folder, path: join(folder, 'pid') };
}

test('a pid file is not there before it is complete', (t) => {
  const { folder, path } = pathIn(t);
  const file = PidFile.open(path);
  t.false(readdirSync(folder).includes('pid'));
  file.write(asHostPid(4711));
  t.is(readFileSync(path, 'utf8'), '4711');
  t.deepEqual(readdirSync(folder), ['pid']);
});

test('one that is discarded leaves what was there', (t) => {
  const { folder, path } = pathIn(t);
  writeFileSync(path, '12');
  PidFile.open(path).discard();
  t.is(readFileSync(path, 'utf8'), '12');
  t.deepEqual(readdirSync(folder), ['pid']);
});

test('what is no file is written to, not replaced', (t) => {
  const file = PidFile.open('/dev/null');
  file.write(asHostPid(4711));
  t.throws(() => PidFile.open('/dev/full').write(asHostPid(1)), { message: /ENOSPC/ });
});

test('what cannot be written shows when it is opened', (t) => {
  const { folder } = pathIn(t);
  t.throws(() => PidFile.open(folder), { message: /^write the pid file .*: EISDIR/ });
  t.throws(() => PidFile.open(join(folder, 'none/pid')), { message: /ENOENT/ });
  for (const path of ['', `${folder}/pid/`]) {
    t.throws(() => PidFile.open(path), { message: /no name of a file$/ });
  }
});
