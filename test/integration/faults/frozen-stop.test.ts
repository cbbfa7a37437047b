// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostTid } from '../../../src/common/ids.js';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { readStat } from '../../../src/criu/procfs/reader.js';
import { until } from '../../helpers/run.js';
import { Counter, Yard } from './harness.js';

/** A SIGSTOP to a process of a paused container: it stays pending until the container goes on. */
const yard = new Yard();
test.after.always(() => {
  yard.close();
});

async function frozenWithStop(counter: Counter) {
  await counter.start();
  const cgroup = await counter.cgroup();
  await freeze(cgroup);
  process.kill(await counter.run.initPid(), 'SIGSTOP');
  return cgroup;
}

async function isStoppedAndGoesOn(counter: Counter): Promise<void> {
  const pid = await counter.run.initPid();
  await until('the stop', () =>
    Promise.resolve(readStat(asHostTid(pid)).state === 'T' || undefined),
  );
  process.kill(pid, 'SIGCONT');
  await counter.countsOn();
}

test.serial('a pending SIGSTOP stops the restored process', async (t) => {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await frozenWithStop(counter);
  const { imagePath, result } = await counter.run.checkpoint(false);
  t.like(result, { status: 0 });
  await counter.run.restore(imagePath);
  await isStoppedAndGoesOn(counter);
  t.pass();
});

test.serial('a pending SIGSTOP stops the process that was left', async (t) => {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  const cgroup = await frozenWithStop(counter);
  const { result } = await counter.run.checkpoint(true);
  t.like(result, { status: 0 });
  t.true(isFrozen(cgroup));
  thaw(cgroup);
  await isStoppedAndGoesOn(counter);
  t.pass();
});
