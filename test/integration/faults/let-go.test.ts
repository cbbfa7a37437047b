// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { asHostPid, asHostTid } from '../../../src/common/ids.js';
import { listThreads, readMaps, readStatus } from '../../../src/criu/procfs/reader.js';
import { Session } from '../../../src/criu/tracee/session.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, Yard } from './harness.js';

const yard = new Yard();
test.after.always(() => {
  yard.close();
});

async function startCounter(t: ExecutionContext): Promise<Counter> {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  return counter;
}

async function seize(t: ExecutionContext, counter: Counter): Promise<Session> {
  const pid = await counter.run.initPid();
  const session = await Session.seize(asHostPid(pid), await counter.cgroup(), {
    patience: { limitMs: 0 },
  });
  t.teardown(() => session.close());
  return session;
}

test.serial('a session that has let its tasks go still traces others', async (t) => {
  const [counter, other] = [await startCounter(t), await startCounter(t)];
  const before = await counter.run.view();
  const session = await seize(t, counter);
  await session.prepare(readMaps);
  await session.letGo();
  await t.notThrowsAsync(counter.countsOn());

  const pid = await other.run.initPid();
  const tids = Int32Array.from(listThreads(asHostPid(pid)));
  await session.tracer.seize(tids, 0);
  await session.tracer.waitStops(tids, 5_000);
  t.true(await other.stands());
  t.true(session.tracer.watch(0));
  const states = await session.tracer.readThreads(tids);
  t.true(states.every(({ error }) => error === 0));
  await session.close();
  await t.notThrowsAsync(other.countsOn());
  t.deepEqual(differences(before, await counter.run.view(), []), []);
});

test.serial(
  "who is killed while it stands still is its parent's once the session lets go",
  async (t) => {
    const counter = await startCounter(t);
    const pid = await counter.run.initPid();
    const session = await seize(t, counter);
    process.kill(pid, 'SIGKILL');
    await session.letGo();
    t.is(tracerOf(pid), 0);
  },
);

/** 0: none, or the process has been reaped. */
function tracerOf(pid: number): number {
  try {
    return readStatus(asHostTid(pid)).tracerPid;
  } catch {
    return 0;
  }
}
