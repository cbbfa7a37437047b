// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { listenAt } from '../../../../src/common/listen-at.js';
import { rehearse } from '../../../../src/shim/standby/rehearsal.js';

test('a rehearsal removes what a killed one has left, and leaves nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-rehearsal-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(join(directory, 'rehearsal', 'bundle'), { recursive: true });
  writeFileSync(join(directory, 'rehearsal', 'bundle', 'config.json'), '');
  writeFileSync(join(directory, 'rehearsal', `.${String(process.pid)}`), '');
  await t.notThrowsAsync(rehearse(directory));
  t.deepEqual(readdirSync(directory), []);
});

test('a socket that somebody with our pid has left is no obstacle', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-listen-'));
  writeFileSync(join(directory, `.${String(process.pid)}`), '');
  const server = await listenAt(join(directory, 'socket'));
  server.close();
  t.deepEqual(readdirSync(directory), ['socket']);
  rmSync(directory, { recursive: true });
});
