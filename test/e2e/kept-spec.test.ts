// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import test from 'ava';
import { createContainer, taskOf } from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { openTasks } from './streams.js';

useContainerd([COUNTER.archive]);

const isOld = / v?1\.[67]\./.test(execFileSync('containerd', ['--version'], { encoding: 'utf8' }));

test.serial('a container survives a checkpoint whose image containerd would lose', async (t) => {
  const tasks = await openTasks(t);
  const id = containerId(t, 'twice');
  await createContainer(daemon(), { id, image: COUNTER.image });
  await tasks.begin(id, {});
  await tasks.checkpoint(id, { exit: true });
  await tasks.wait(id);
  await tasks.delete(id);
  await tasks.begin(id, {});
  const second = tasks.checkpoint(id, { exit: true });
  if (isOld) {
    await t.throwsAsync(second, { message: /no second checkpoint .* remedy: remove the image/ });
    t.is((await taskOf(daemon(), id)).status, 'RUNNING');
  } else {
    await second;
    await tasks.wait(id);
  }
  await remove(t, id);
});

leavesNothingBehind();
