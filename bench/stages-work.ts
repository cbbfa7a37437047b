// SPDX-License-Identifier: Apache-2.0
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findContainer, runtimeOf } from '../src/cli/runtime-container.js';
import { Scope } from '../src/common/scope.js';
import { hostNamesOf } from '../src/common/host-names.js';
import { mountPlacesOf } from '../src/common/mount-places.js';
import { tmpfsMountsOf } from '../src/common/tmpfs-mounts.js';
import { checkpoint, readSpec, removeVas } from '../src/criu/index.js';
import { BIN } from '../test/helpers/paths.js';
import { run } from '../test/helpers/run.js';
import { fill } from './redis-work.js';
import { formatTable } from './report.js';
import { RuncContainers } from './runc-containers.js';
import { checkpointSteps, stepRows, typicalSteps, type CheckpointStep } from './stages.js';
import { parseMarks } from './trace.js';

/** Checkpoints of one process before those that count as warm. */
const WARM_UP = 20;

/** Who makes a checkpoint. */
type Way = 'cold' | 'standby' | 'warm';

/** Steps of a checkpoint by who makes it. */
export type StagesResult = Readonly<Partial<Record<Way, readonly CheckpointStep[]>>>;

/** A running container, and where its checkpoints go. */
interface Work {
  readonly root: string;
  readonly id: string;
  readonly imagePath: string;
  /** Where the marks go. */
  readonly file: string;
}

/**
 * Checkpoints redis, which goes on, again and again: each time by a new process (`cold`), by forks of a standby, and by one
 * process that has done so many times (`warm`). Prints what each step costs. MVAS_PRE_COPY and MVAS_TWIN apply.
 */
export async function measureStages(
  { mib, runs }: { readonly mib: number; readonly runs: number },
  say: (message: string) => void,
): Promise<StagesResult> {
  const scope = new Scope();
  try {
    const containers = await RuncContainers.open(undefined);
    scope.defer('remove the containers', () => containers.close());
    const { directory, root } = containers;
    const id = await containers.bundle('redis');
    await fill(await containers.start(id), mib);
    const work = { root, id, imagePath: join(directory, 'image'), file: join(directory, 'marks') };
    process.env['MVAS_TRACE'] = work.file;
    scope.defer('end the trace', () => {
      delete process.env['MVAS_TRACE'];
    });
    const ways: Readonly<Record<Way, [number, () => Promise<void>]>> = {
      cold: [0, () => byCommand(work, { MVAS_STANDBY: '0' })],
      standby: [2, () => byCommand(work, {})],
      warm: [WARM_UP, () => byEngine(work)],
    };
    const result: Partial<Record<Way, CheckpointStep[]>> = {};
    for (const [way, [before, make]] of Object.entries(ways) as [Way, (typeof ways)[Way]][]) {
      say(`stages: ${way}`);
      for (let run = 0; run < before; run++) await make();
      const seen: CheckpointStep[][] = [];
      for (let run = 0; run < runs; run++) seen.push(await traced(work, make));
      const steps = typicalSteps(seen);
      result[way] = steps;
      const what = `checkpoint of redis with ${String(mib)} MiB, ${way}, medians of ${String(runs)}`;
      process.stdout.write(`\n${what}\n\n${formatTable(stepRows(steps))}\n`);
    }
    return result;
  } finally {
    await scope.close();
  }
}

async function traced({ file }: Work, make: () => Promise<void>): Promise<CheckpointStep[]> {
  await writeFile(file, '');
  await make();
  return checkpointSteps(parseMarks(await readFile(file, 'utf8')));
}

/** By the command: a process of its own, or a fork of a standby. */
async function byCommand({ root, id, imagePath }: Work, env: NodeJS.ProcessEnv): Promise<void> {
  const mvas = join(BIN, 'mvas');
  const flags = ['--leave-running', '--runc-root', root, '--image-path', imagePath];
  const printed = await run(mvas, ['checkpoint', ...flags, id], {
    env: { ...process.env, ...env },
  });
  await run(mvas, ['rm', printed.trim()]);
  await rm(imagePath, { recursive: true });
}

async function byEngine({ root, id: containerId, imagePath }: Work): Promise<void> {
  const runtime = runtimeOf({ runtime: 'runc', 'runc-root': root });
  const { initPid, bundle } = findContainer(runtime, containerId);
  const spec = readSpec(bundle);
  const { vasId } = await checkpoint({
    ...{ containerId, spec, initPid, imagePath, leaveRunning: true, runcRoot: root },
    tmpfsMounts: tmpfsMountsOf(spec),
    mountPlaces: mountPlacesOf(spec),
    hostNames: hostNamesOf(spec),
  });
  await removeVas(vasId);
  await rm(imagePath, { recursive: true });
}
