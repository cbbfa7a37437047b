// SPDX-License-Identifier: Apache-2.0
import { logger } from '../common/log.js';
import { ShimError } from '../common/errors.js';
import { Scope } from '../common/scope.js';
import { closeFd } from '../native/sys.js';
import { startDonor, type DonorRuntime } from './donor/donor.js';
import { takeOver } from './donor/take-over.js';
import { readLiveSpec } from './donor/live-spec.js';
import { readTmpfs } from './image/tmpfs-files.js';
import { openImage, type OpenedImage } from './open-image.js';
import { readLiveSeccomp } from './resources/attributes.js';
import { RestorePlan, type RestorePlanOptions } from './restore-plan.js';
import { Restorer } from './restorer.js';
import { restoreTmpfs } from './resources/tmpfs.js';
import { StageClock } from './stages.js';
import { watchExit, type Exit } from './vas/exit-watch.js';
import { connectVas, waitSocketOf } from './vas/store.js';

const log = logger('restore');

/** What to restore, and into which surroundings. */
export interface RestoreRequest {
  /** Id of the new container (also its runc id). */
  readonly containerId: string;
  /** The bundle: holds `config.json`, the live spec; its root filesystem is mounted. */
  readonly bundle: string;
  /** Directory of a checkpoint's image files; not trusted. */
  readonly imagePath: string;
  readonly runc: DonorRuntime;
  /** runc's state directory of this container is `<runcRoot>/<containerId>`. */
  readonly runcRoot: string;
  /**
   * New stdio: open file descriptors (of this process) which take the place of the checkpointed
   * container's stdio; `null` means /dev/null. The caller keeps ownership and closes them afterwards.
   */
  readonly stdio: readonly [number | null, number | null, number | null];
  readonly signal?: AbortSignal;
}

/** A restored task. Its init is not a child of the caller. */
export interface RestoredTask {
  /** Pid of the new init, as the engine's own pid namespace numbers it. */
  readonly pid: number;
  readonly vasId: string;
  /** Milliseconds of each stage (see stages.ts), in order; `forkCall` is the fork of the holder alone. */
  readonly timingsMs: Readonly<Record<string, number>>;
  /**
   * Resolves when init has exited, with the exit status as a shell counts it (128 + signal), and the
   * time of exit. Never rejects; 255 where the status cannot be known.
   */
  readonly exited: Promise<Exit>;
}

/**
 * Checks that a directory is a complete checkpoint whose VAS is on this host. Starts nothing.
 *
 * @throws ShimError `invalidArgument`/`dataLoss` for a bad image, `failedPrecondition` when its VAS is
 * gone (saying which, when it was taken, and what would have helped).
 */
export async function validateImage(imagePath: string): Promise<{ readonly vasId: string }> {
  const { record } = await openImage(imagePath);
  const holder = connectVas(record.id);
  holder.close();
  return { vasId: record.id };
}

/**
 * Restores a container from an image directory. On failure nothing is left: no process, cgroup,
 * namespace or runc state.
 */
export async function restore(request: RestoreRequest): Promise<RestoredTask> {
  const scope = new Scope();
  try {
    const task = await run(request, scope);
    log.info('done', { container: request.containerId, pid: task.pid, vas: task.vasId });
    return task;
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function run(request: RestoreRequest, scope: Scope): Promise<RestoredTask> {
  const clock = new StageClock();
  const opened = await openImage(request.imagePath);
  const live = readLiveSpec(request.bundle);
  const holder = connectVas(opened.record.id);
  scope.defer('close the holder', () => {
    holder.close();
  });
  clock.end('open');

  const restorer = await Restorer.fork(holder);
  scope.defer('end the restorer', () => restorer.destroy());
  const exited = exitOf(opened, restorer.pid);
  clock.end('fork');

  const started = startDonor({ ...request, spec: live.spec, initPid: restorer.pid });
  const kernelAreas = restorer.kernelAreas(opened.base);
  rehearse({ opened, live, kernelAreas, stdio: request.stdio, donorPid: restorer.pid });
  const donor = await started;
  scope.defer('delete the donor', () => donor.destroy());
  // Before that: runc cannot delete what a tracer still holds; and the namespace ends with its last process.
  scope.defer('end the restored processes', () => restorer.destroy());
  scope.defer('end the donor', () => donor.kill());
  clock.end('donor');

  const plan = new RestorePlan({
    opened,
    live,
    kernelAreas,
    stdio: request.stdio,
    donorPid: donor.pid,
    seccompChain: await readLiveSeccomp(donor.pid),
  });
  clock.end('plan');

  try {
    await restorer.start(plan);
  } finally {
    for (const fd of plan.ownFds) closeFd(fd);
  }
  clock.end('join');

  await takeOver({ ...request, donor, initPid: restorer.pid });
  await restoreTmpfs(restorer.pid, await readTmpfs(request.imagePath));
  checkAborted(request);
  clock.end('adopt');

  const threads = await restorer.build();
  clock.end('build');

  await restorer.release(threads);
  scope.release();
  holder.close();
  clock.end('release');
  const timingsMs = { ...clock.timingsMs, forkCall: restorer.forkMs };
  return { pid: restorer.pid, vasId: opened.record.id, timingsMs, exited };
}

/**
 * Lays out a plan for nothing while runc is busy: a shim restores once in its life, and code that has
 * not run yet takes several times as long as code that has.
 */
function rehearse(options: Omit<RestorePlanOptions, 'seccompChain'>): void {
  try {
    const plan = new RestorePlan({ ...options, seccompChain: undefined });
    for (const fd of plan.ownFds) closeFd(fd);
    plan.finish();
  } catch {
    // The surroundings are not the right ones yet; the real plan tells what is wrong.
  }
}

function exitOf(opened: OpenedImage, pid: number): Promise<Exit> {
  return watchExit(waitSocketOf(opened.record.id), pid).catch((error: unknown) => {
    log.error('the exit of a restored container cannot be watched', { pid, error: String(error) });
    return { status: 255, at: new Date() };
  });
}

function checkAborted(request: RestoreRequest): void {
  if (request.signal?.aborted) {
    throw new ShimError('canceled', `restore ${request.containerId}: canceled`);
  }
}
