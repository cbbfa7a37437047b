// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { rehearseFork } from '../../../src/containerd/index.js';

test('a rehearsal of a fork gets as far as clones that run, and leaves nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-rehearsal-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const socket = join(directory, 'containerd');
  writeFileSync(socket, 'left by one that was killed');
  const clones = await rehearseFork(socket, 3);
  t.deepEqual(
    clones.map(({ id, error }) => [id, error?.message]),
    [0, 1, 2].map((n) => [`rehearsal-${String(n)}`, undefined]),
  );
  t.deepEqual(readdirSync(directory), []);
});
