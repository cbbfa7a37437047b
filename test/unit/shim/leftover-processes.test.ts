// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { Bundle } from '../../../src/shim/bundle.js';
import { killLeftovers, startedBefore } from '../../../src/shim/leftover-processes.js';

test('a process is known by the time of its start', (t) => {
  const { pid } = process;
  t.true(startedBefore(asHostPid(pid), Date.now()));
  t.false(startedBefore(asHostPid(pid), Date.now() - process.uptime() * 1000 - 60_000));
  t.false(startedBefore(asHostPid(0x7fffffff), Date.now()));
});

test('a process that got the pid of an init later is left alone, as are its like', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-bundle-'));
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  const bundle = new Bundle(directory);
  writeFileSync(bundle.config, '{}');
  writeFileSync(bundle.initPid, String(child.pid));
  for (const when of [0, Date.now() / 1000]) {
    utimesSync(bundle.initPid, when, when);
    await killLeftovers(bundle, 'one', 100);
    t.true(child.kill(0));
  }
});
