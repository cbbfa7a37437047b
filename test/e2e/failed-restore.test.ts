// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { checkpointContainer, listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

const REFERENCE = 'mvas.test/failed-restore:1';

// `build` is a stage only of restores: the checkpoint succeeds, and the original goes on.
useContainerd([COUNTER.archive], { env: { MVAS_FAULT: 'build' } });

(IS_RUNC ? test.serial.skip : test.serial)(
  `a restore that fails says why, and leaves a task that can be removed${IS_RUNC ? ' (no faults in runc)' : ''}`,
  async (t) => {
    const original = containerId(t, 'original');
    const pid = await runContainer(daemon(), { id: original, image: COUNTER.image });
    await COUNTER.observe(pid);
    await checkpointContainer(daemon(), original, REFERENCE);

    const id = containerId(t, 'failed');
    const restore = ['containers', 'restore', '--live', '--rw', id, REFERENCE];
    const result = await daemon().tryCtr(restore);
    t.not(result.code, 0);
    t.regex(result.stderr, /fault injected after stage build/);
    t.like(await taskOf(daemon(), id), { pid: 0, status: 'CREATED' });
    await remove(t, id);
    t.deepEqual(
      (await listTasks(daemon())).map((task) => [task.id, task.pid]),
      [[original, pid]],
    );
    await remove(t, original);
  },
);

leavesNothingBehind();
