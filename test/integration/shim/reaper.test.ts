// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as afterPolling, setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { startChild } from '../../../src/native/children.js';
import { Reaper } from '../../../src/shim/reaper.js';
import { until } from '../../helpers/run.js';

/** Its first thread ends at once; another one ends the process with this status once the file that it is given is there. */
const STATUS = 7;
const PROGRAM = `
import ctypes, os, sys, threading, time
def last():
    while not os.path.exists(sys.argv[1]): time.sleep(0.01)
    os._exit(${String(STATUS)})
threading.Thread(target=last).start()
ctypes.CDLL(None).pthread_exit(None)`;
/** The reaper looks for orphans twice, with 100 ms in between: this is after its first look, and before the second. */
const ONE_LOOK_MS = 150;

new Reaper().start();

const STARTERS = {
  'a program of ours': (args: readonly string[]) =>
    startChild({ file: 'python3', args, env: process.env, fds: [null, null, null] }),
  'a child of libuv': (args: readonly string[]) => {
    const child = spawn('python3', args, { stdio: 'ignore' });
    const ended = once(child, 'exit').then(([code]) => code as number);
    return { pid: child.pid ?? 0, ended };
  },
};

for (const [what, start] of Object.entries(STARTERS)) {
  test.serial(`${what} keeps its status though its first thread ends before others`, async (t) => {
    t.timeout(60_000);
    const directory = mkdtempSync(join(tmpdir(), 'mvas-reaper-'));
    t.teardown(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'end');
    const { pid, ended } = start(['-c', PROGRAM, file]);
    const process = `/proc/${String(pid)}`;
    const isZombie = () => readFileSync(`${process}/stat`, 'utf8').includes(' Z ');
    await until('the first thread to end', () => Promise.resolve(isZombie()));
    await startChild({ file: 'true', args: [], env: {}, fds: [] }).ended; // Its end makes the reaper look.
    await sleep(ONE_LOOK_MS);
    // From the end of the process to the reaper's next look nobody hears of it: timers come before signals.
    await afterPolling();
    writeFileSync(file, '');
    while (readdirSync(`${process}/task`).length > 1);
    for (const end = performance.now() + ONE_LOOK_MS; performance.now() < end;);
    t.is(await ended, STATUS);
  });
}
