// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { asHostPid } from '../../../src/common/ids.js';
import { SYS } from '../../../src/native/sys.js';
import { readMaps } from '../../../src/criu/procfs/reader.js';
import { Session } from '../../../src/criu/tracee/session.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, Yard } from './harness.js';

/** Containers that somebody pauses while an engine holds them. */
const yard = new Yard();
test.after.always(() => {
  yard.close();
});

interface Held {
  readonly counter: Counter;
  readonly session: Session;
  /** How often the session has told that it thaws the container. */
  readonly thaws: () => number;
}

async function hold(t: ExecutionContext): Promise<Held> {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  let thaws = 0;
  const initPid = asHostPid(await counter.run.initPid());
  const session = await Session.seize(initPid, await counter.cgroup(), {
    patience: { limitMs: 0 },
    beforeThaw: () => {
      thaws++;
    },
  });
  t.teardown(() => session.close());
  return { counter, session, thaws: () => thaws };
}

test.serial(
  'calls in a container that is paused meanwhile are made, and it stays paused',
  async (t) => {
    const { counter, session, thaws } = await hold(t);
    const cgroup = await counter.cgroup();
    await session.prepare(readMaps);
    await freeze(cgroup);
    const [process] = session.processes;
    const [result] = (await process?.leader.remote([{ nr: SYS.getpid, args: [] }])) ?? [];
    t.is(result, 1n);
    t.is(thaws(), 1);
    t.true(await counter.stands());
    await freeze(cgroup);
    await session.close();
    t.true(isFrozen(cgroup));
    t.true(await counter.stands());
    thaw(cgroup);
    await t.notThrowsAsync(counter.countsOn());
    t.is(await counter.run.go(), 'PASS');
  },
);

test.serial('a container that nobody pauses goes on', async (t) => {
  const { counter, session, thaws } = await hold(t);
  const before = await counter.run.view();
  await session.prepare(readMaps);
  await session.close();
  t.is(thaws(), 0);
  await t.notThrowsAsync(counter.countsOn());
  t.deepEqual(differences(before, await counter.run.view(), []), []);
});
