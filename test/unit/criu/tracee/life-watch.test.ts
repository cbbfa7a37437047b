// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { isDying, hasEnded, LifeWatch } from '../../../../src/criu/tracee/life-watch.js';
import { startChild } from '../../../../src/native/children.js';
import { until } from '../../../helpers/run.js';

/** Its first thread ends at once, another one so many seconds after that. */
const program = (seconds: number): string => `
import ctypes, os, threading, time
def last():
    time.sleep(${String(seconds)})
    os._exit(0)
threading.Thread(target=last).start()
ctypes.CDLL(None).pthread_exit(None)`;

/** Starts it, and waits for the end of its first thread. */
async function begin(t: ExecutionContext, seconds: number) {
  const end = new AbortController();
  const child = startChild({
    ...{ file: 'python3', args: ['-c', program(seconds)], env: process.env },
    ...{ fds: [null, null, null], signal: end.signal },
  });
  t.teardown(() => {
    end.abort();
  });
  await until('the first thread to end', () => Promise.resolve(isDying(child.pid)), { everyMs: 1 });
  return { child, life: new LifeWatch({ containerId: 'one', initPid: child.pid }) };
}

test('a container whose threads end one by one has ended', async (t) => {
  // On a busy machine the other thread may take longer than a killed one is waited for.
  const ended = await until('an end in time', async () => {
    const { child, life } = await begin(t, 0.1);
    const told = await life.endedByNow();
    t.is(await child.ended, 0);
    return told;
  });
  t.is(ended.message, 'checkpoint one: the container has ended meanwhile');
});

test('one whose first thread alone has ended lives', async (t) => {
  const { child, life } = await begin(t, 60);
  t.is(await life.endedByNow(), undefined);
  t.false(hasEnded(child.pid));
});
