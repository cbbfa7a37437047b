// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/** What to checkpoint, and where its metadata goes. */
export interface CheckpointRequest {
  /** Name of the container, for messages and for the VAS's metadata. */
  readonly containerId: string;
  /** Pid of the container's init, as the engine's own pid namespace numbers it. */
  readonly initPid: number;
  /** Directory for the image files; created (0700) when missing, must be empty otherwise. */
  readonly imagePath: string;
  /** Leave the container as it was found (running or frozen), or kill it once the VAS is complete. */
  readonly leaveRunning: boolean;
  /**
   * Absolute paths of mounts in the container which are tmpfs made for it by its spec: their content
   * is saved. `[]` when there is none. Example: `['/dev/shm', '/run', '/tmp']`.
   */
  readonly tmpfsMounts: readonly string[];
  /**
   * What the container's stdio is connected to outside, so that it is mapped to the new task's stdio
   * at restore: host-side `stdin`, `stdout`, `stderr` identities are found through fds 0 to 2 of init.
   */
  readonly signal?: AbortSignal;
}

/** What a checkpoint made. */
export interface CheckpointResult {
  /** Id of the VAS that holds the memory; a directory of that name lies in the VAS root. */
  readonly vasId: string;
  /** Milliseconds of each stage, in order. `frozen` stage names sum up to the standstill. */
  readonly timingsMs: Readonly<Record<string, number>>;
  /** Milliseconds the container stood still. */
  readonly frozenMs: number;
  /** Bytes of memory copied into the VAS. */
  readonly bytes: number;
}

/**
 * Checkpoints a container's processes into a new VAS.
 *
 * @throws ShimError `failedPrecondition` naming process, object and remedy when something cannot be
 * restored; the container then goes on as before, and nothing is left behind.
 */
export function checkpoint(request: CheckpointRequest): Promise<CheckpointResult> {
  return Promise.reject(
    new ShimError('unimplemented', `checkpoint of ${request.containerId} is not implemented yet`),
  );
}
