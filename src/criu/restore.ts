// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/** What to restore, and into which surroundings. */
export interface RestoreRequest {
  /** Id of the new container (also its runc id). */
  readonly containerId: string;
  /** The bundle: holds `config.json`, the live spec; its root filesystem is mounted. */
  readonly bundle: string;
  /** Directory of a checkpoint's image files; not trusted. */
  readonly imagePath: string;
  /** Runs runc: `runc(args)` resolves with its stdout, rejects with a ShimError. Global flags are the runner's. */
  readonly runc: (args: readonly string[]) => Promise<string>;
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
  readonly timingsMs: Readonly<Record<string, number>>;
  /**
   * Resolves when init has exited, with the exit status as a shell counts it (128 + signal), and the
   * time of exit. Never rejects; 255 where the status cannot be known.
   */
  readonly exited: Promise<{ readonly status: number; readonly at: Date }>;
}

/**
 * Checks that a directory is a complete checkpoint whose VAS is on this host. Starts nothing.
 *
 * @throws ShimError `invalidArgument`/`dataLoss` for a bad image, `failedPrecondition` when its VAS is
 * gone (saying which, when it was taken, and what would have helped).
 */
export function validateImage(imagePath: string): Promise<{ readonly vasId: string }> {
  return Promise.reject(
    new ShimError('unimplemented', `restore from ${imagePath} is not implemented yet`),
  );
}

/**
 * Restores a container from an image directory. On failure nothing is left: no process, cgroup,
 * namespace or runc state.
 */
export function restore(request: RestoreRequest): Promise<RestoredTask> {
  return Promise.reject(
    new ShimError('unimplemented', `restore of ${request.containerId} is not implemented yet`),
  );
}
