// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShimError } from '../src/common/errors.js';
import { Scope } from '../src/common/scope.js';
import { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeVas, vasesOf } from '../test/helpers/containerd-cleanup.js';
import {
  checkpointIn,
  createContainer,
  removeContainer,
  runContainer,
} from '../test/helpers/containers.js';
import { RedisClient } from '../test/helpers/redis-client.js';
import { TasksClient, type ContentDescriptor } from '../test/helpers/tasks-client.js';
import { REDIS_PORT, redisArchive } from '../test/helpers/workloads/redis.js';
import { fill } from './redis-work.js';
import { formatTable } from './report.js';
import { temporaryInMemory } from './temporary.js';
import { STANDBY_STAYS, standbyIsWarm } from './warm-standby.js';
import { medianSteps, parseMarks, stepsOf, traceRows, type Step } from './trace.js';

const IMAGE = 'mvas.test/redis:1';
const REFERENCE = 'mvas.test/trace:1';
/** What a daemon still does after a restore must not disturb the next one. */
const SETTLE_MS = 300;

/** Steps of a restore: medians, and of each run. */
export interface Trace {
  readonly median: readonly Step[];
  readonly runs: readonly (readonly Step[])[];
}

/** Restores redis again and again through containerd, and measures where the time goes; prints a table. */
export async function traceRestores(
  { runtime, mib, runs }: { readonly runtime: string; readonly mib: number; readonly runs: number },
  say: (message: string) => void,
): Promise<Trace> {
  const scope = new Scope();
  try {
    const temporary = await temporaryInMemory();
    scope.defer('remove files', () => rm(temporary, { recursive: true, force: true }));
    const file = join(temporary, 'trace');
    const env = { ...STANDBY_STAYS, MVAS_TRACE: file };
    const containerd = await PrivateContainerd.start({ temporary, env });
    scope.defer('stop containerd', () => containerd.stop());
    await containerd.importImages(await redisArchive());
    const tasks = await TasksClient.open(containerd);
    scope.defer('close the client', () => {
      tasks.close();
    });
    const tracing = { containerd, tasks, file, runtime };
    const content = await checkpointRedis(tracing, mib);
    await standbyIsWarm();
    const restores: Step[][] = [];
    for (let run = 0; run <= runs; run++) {
      say(`trace, run ${String(run)} of ${String(runs)}`);
      const steps = await traceOne(tracing, content);
      if (run > 0) restores.push(steps); // The first run loads what later ones have.
    }
    for (const id of await vasesOf(containerd)) await removeVas(containerd, id);
    const steps = medianSteps(restores);
    const title = `restore of redis with ${String(mib)} MiB, medians of ${String(runs)}`;
    process.stdout.write(`\n${title}\n\n${formatTable(traceRows(steps))}\n`);
    return { median: steps, runs: restores };
  } finally {
    await scope.close();
  }
}

interface Tracing {
  readonly containerd: PrivateContainerd;
  readonly tasks: TasksClient;
  readonly file: string;
  readonly runtime: string;
}

async function checkpointRedis(
  { containerd, runtime }: Tracing,
  mib: number,
): Promise<ContentDescriptor> {
  const id = containerd.uniqueId('redis');
  await fill(await runContainer(containerd, { id, image: IMAGE, runtime }), mib);
  const what = ['--task', '--rw', '--image'];
  await containerd.ctr(['containers', 'checkpoint', ...what, id, REFERENCE]);
  const content = await checkpointIn(containerd, REFERENCE);
  if (!content) throw new ShimError('internal', `${REFERENCE} holds no checkpointed task`);
  await removeContainer(containerd, id);
  return content;
}

async function traceOne(
  { containerd, tasks, file, runtime }: Tracing,
  checkpoint: ContentDescriptor,
): Promise<Step[]> {
  const id = containerd.uniqueId('clone');
  await createContainer(containerd, { id, image: IMAGE, runtime });
  const client = await RedisClient.prepare(REDIS_PORT);
  try {
    await sleep(SETTLE_MS);
    await writeFile(file, '');
    const mark = (name: string): void => {
      const at = process.hrtime.bigint() / 1000n;
      appendFileSync(file, `${String(at)} ${String(process.pid)} 0 0 0 0 0 client ${name}\n`);
    };
    mark('begin');
    const pid = await tasks.restore(id, checkpoint, {}, mark);
    mark('started');
    client.enter(pid);
    await client.command('PING');
    mark('reply');
    return stepsOf(parseMarks(await readFile(file, 'utf8')));
  } finally {
    client.close();
    await removeContainer(containerd, id);
  }
}
