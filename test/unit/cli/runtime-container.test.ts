// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findContainer, refuseExisting, runtimeOf } from '../../../src/cli/runtime-container.js';

const root = mkdtempSync(join(tmpdir(), 'mvas-runc-root-'));
const runtime = { binary: 'runc', root };

test.after.always(() => {
  rmSync(root, { recursive: true });
});

/** A state as runc writes it for a container whose init is the given process. */
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
  t.deepEqual(findContainer(runtime, 'web'), { initPid: process.pid, bundle: '/bundles/web' });
});

test('a process that came to the pid of an init later is not taken for it', (t) => {
  state('gone', process.pid, ownStart - 1);
  t.throws(() => findContainer(runtime, 'gone'), { message: 'container gone has exited' });
});

test('one that is not there is told', (t) => {
  state('dead', 2 ** 22 + 1, 1);
  t.throws(() => findContainer(runtime, 'dead'), { message: 'container dead has exited' });
  t.throws(() => findContainer(runtime, 'nobody'), {
    message: /^container nobody: runc does not know/,
  });
});

test('a name that is taken is refused', (t) => {
  state('taken', 1, 1);
  t.throws(() => {
    refuseExisting(runtime, 'taken');
  });
  t.notThrows(() => {
    refuseExisting(runtime, 'free');
  });
});

/** A status as crun writes it. */
function status(id: string, pid: number, start: number): void {
  mkdirSync(join(root, id));
  const text = { pid, 'process-start-time': start, bundle: '/bundles/web', owner: 'root' };
  writeFileSync(join(root, id, 'status'), JSON.stringify(text));
}

test('so is one of crun', (t) => {
  status('crun', process.pid, ownStart);
  t.deepEqual(findContainer(runtime, 'crun'), { initPid: process.pid, bundle: '/bundles/web' });
  status('gone-crun', process.pid, ownStart - 1);
  t.throws(() => findContainer(runtime, 'gone-crun'), { message: /has exited/ });
});

test('a runtime keeps its containers in a directory of its name', (t) => {
  const of = (binary: string, root?: string) => runtimeOf({ runtime: binary, 'runc-root': root });
  t.deepEqual(of('/usr/bin/crun'), { binary: '/usr/bin/crun', root: '/run/crun' });
  t.deepEqual(of('runc', '/run/other'), { binary: 'runc', root: '/run/other' });
});
