// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { rehearseRestore } from '../../../../src/criu/restore/rehearsal/rehearse.js';

test('the sample is read and planned to the end, without a thread, and nothing is left', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'mvas-rehearse-'));
  t.teardown(() => {
    rmSync(parent, { recursive: true });
  });
  const directory = join(parent, 'image');
  mkdirSync(directory); // Left by one that was killed.
  writeFileSync(join(directory, 'inventory.img'), 'half');
  const threads = readdirSync('/proc/self/task').length;
  t.notThrows(() => {
    rehearseRestore(directory);
  });
  t.is(readdirSync('/proc/self/task').length, threads);
  t.false(existsSync(directory));
});
