// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DaemonLog } from '../../../src/shim/daemon-log.js';

test('a log goes on where somebody reads, and never fails', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-log-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const [one, two] = ['one', 'two'].map((name) => join(directory, name)) as [string, string];
  execFileSync('mkfifo', [one, two]);
  const log = new DaemonLog();
  log.write('nowhere');
  log.add(one);
  log.write('nobody');
  const first = read(one);
  log.write('first');
  t.is(text(first), 'first\n');
  log.add(two);
  closeSync(first);
  log.write('lost');
  const second = read(two);
  log.write('second');
  t.is(text(second), 'second\n');
  rmSync(one);
  log.add(join(directory, 'none'));
  closeSync(second);
  log.write('lost, too');
  t.pass();
});

function read(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

function text(fd: number): string {
  const bytes = Buffer.alloc(100);
  return bytes.toString('utf8', 0, readSync(fd, bytes));
}
