// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { EventLog } from '../helpers/event-log.js';
import { checkpointContainer, restoreContainer, runContainer } from '../helpers/containers.js';
import { until } from '../helpers/run.js';
import { wordsOf } from '../helpers/standbys.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

useContainerd([COUNTER.archive]);

const LIMIT = ['--memory-limit', String(24 * 1024 * 1024)];
/** A shell that doubles a variable until the kernel kills it. */
const GREEDY = 'x=0123456789abcdef; while :; do x=$x$x; done';

async function eventLog(t: ExecutionContext): Promise<EventLog> {
  const log = await EventLog.open(daemon());
  t.teardown(() => {
    log.close();
  });
  return log;
}

test.serial('a container that is killed for its memory tells so before its exit', async (t) => {
  const log = await eventLog(t);
  const id = containerId(t, 'greedy');
  await daemon().ctr([
    ...['run', '--detach', '--snapshotter', daemon().snapshotter, ...LIMIT],
    ...['--runtime', process.env['MVAS_E2E_RUNTIME'] ?? 'io.containerd.mvas.v1'],
    ...[COUNTER.image, id, 'sh', '-c', GREEDY],
  ]);
  const exit = await log.next(id, '/tasks/exit');
  t.is(exit.fields['exit_status'], 137);
  t.deepEqual(log.topicsOf(id), ['/tasks/create', '/tasks/start', '/tasks/oom', '/tasks/exit']);
  await remove(t, id);
});

test.serial('a child that is killed for its memory is told, too, and init lives on', async (t) => {
  const log = await eventLog(t);
  const id = containerId(t, 'child');
  const command = ['sh', '-c', `sh -c '${GREEDY}'; while :; do sleep 1; done`];
  await runContainer(daemon(), { id, image: COUNTER.image, args: command, flags: LIMIT });
  await log.next(id, '/tasks/oom');
  t.deepEqual(log.topicsOf(id), ['/tasks/create', '/tasks/start', '/tasks/oom']);
  await remove(t, id);
});

(IS_RUNC ? test.serial.skip : test.serial)(
  `a restored container tells, too${IS_RUNC ? ' (needs the engine)' : ''}`,
  async (t) => {
    const log = await eventLog(t);
    const id = containerId(t, 'original');
    const script = `while [ ! -e /go ]; do sleep 0.05; done; ${GREEDY}`;
    const args = ['sh', '-c', script];
    const pid = await runContainer(daemon(), { id, image: COUNTER.image, args, flags: LIMIT });
    // runc's start does not wait until init executes its program.
    await until('the program to run', () =>
      Promise.resolve(wordsOf(pid, 'cmdline').includes(script)),
    );
    await checkpointContainer(daemon(), id, 'mvas.test/oom:1');
    const restored = containerId(t, 'restored');
    await restoreContainer(daemon(), restored, 'mvas.test/oom:1');
    await daemon().ctr(['tasks', 'exec', '--exec-id', 'go', restored, 'sh', '-c', 'echo > /go']);
    t.is((await log.next(restored, '/tasks/oom')).topic, '/tasks/oom');
    const exits = log.events.filter(({ topic }) => topic === '/tasks/exit');
    t.false(exits.some(({ fields }) => fields['container_id'] === id));
    await remove(t, restored);
    await remove(t, id);
  },
);

leavesNothingBehind();
