// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { TaskIo } from '../io/task-io.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';
import { createInit, type InitFlags, type LaunchContext } from './launch.js';
import type { TaskProcess } from './process.js';

const log = logger('task');

/** What a container needs to start cold after its restore has failed. */
export interface ColdParts extends LaunchContext {
  readonly initFlags: InitFlags;
  readonly policy: CheckpointPolicy;
  /** Absent if a failure is the container's. */
  readonly fallBack?: FallBack | undefined;
}

/** What makes a cold start of one from a snapshot. */
export interface FallBack {
  /** Makes its root filesystem anew. */
  readonly prepare: () => Promise<void>;
  /** Notes whether the snapshot could be restored. Never rejects. */
  readonly note: (isRestored: boolean) => Promise<void>;
}

/**
 * Creates a container whose restore has failed, for a cold start. Takes the streams that the restore has left open.
 *
 * @throws ShimError of the restore if the container is not to start cold
 */
export async function createCold(
  parts: ColdParts,
  init: TaskProcess,
  failed: {
    readonly error: unknown;
    readonly streams: TaskIo | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { id: task, fallBack, initFlags, policy } = parts;
  const { error, streams, signal } = failed;
  if (!fallBack || !streams || signal.aborted) {
    streams?.close();
    throw error;
  }
  const { message: reason } = ShimError.from(error);
  log.warn('its own snapshot cannot be restored, so it starts cold', { task, reason });
  // A hook that has to succeed is the container's own affair.
  if (policy.hook?.isRequired !== true) await fallBack.note(false);
  try {
    await fallBack.prepare();
    await streams.startOver();
  } catch (failure) {
    streams.close();
    throw failure;
  }
  await createInit(parts, init, { ...initFlags, signal, streams, watch: undefined });
}
