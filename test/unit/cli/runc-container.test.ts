// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { refuseExisting, runcContainer } from '../../../src/cli/runc-container.js';

const root = mkdtempSync(join(tmpdir(), 'mvas-runc-root-'));

test.after.always(() => {
  rmSync(root, { recursive: true });
});

/** A state as runc writes it of a container whose init is some process. */
function state(id: string, pid: number, start: number): void {
  mkdirSync(join(root, id));
  const text = JSON.stringify({
    id,
    init_process_pid: pid,
    init_process_start: start,
    config: { labels: ['bundle=/bundles/web'] },
  });
  writeFileSync(join(root, id, 'state.json'), text);
}

const ownStart = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19]);

test('a container that runs is known by its init', (t) => {
  state('web', process.pid, ownStart);
  t.deepEqual(runcContainer(root, 'web'), { initPid: process.pid, bundle: '/bundles/web' });
});

test('a process that came to the pid of an init later is not taken for it', (t) => {
  state('gone', process.pid, ownStart - 1);
  t.throws(() => runcContainer(root, 'gone'), { message: 'container gone has exited' });
});

test('one that is not there is told', (t) => {
  state('dead', 2 ** 22 + 1, 1);
  t.throws(() => runcContainer(root, 'dead'), { message: 'container dead has exited' });
  t.throws(() => runcContainer(root, 'nobody'), {
    message: /^container nobody: runc does not know/,
  });
});

test('a name that is taken is refused', (t) => {
  state('taken', 1, 1);
  t.throws(() => {
    refuseExisting(root, 'taken');
  });
  t.notThrows(() => {
    refuseExisting(root, 'free');
  });
});
