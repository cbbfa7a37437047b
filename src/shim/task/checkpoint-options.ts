// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { ExecMode, TwinMode } from '../../criu/constants.js';
import { decode } from '../proto/codec.js';
import { CheckpointOptions } from '../proto/messages/runc-options.js';
import type { AnyValue } from '../proto/values.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';

/** What a Checkpoint request asks for. */
export interface CheckpointPlan {
  /** Where the image files go. */
  readonly imagePath: string;
  readonly leaveRunning: boolean;
  /** Whether its TCP sockets are to stay open, for a restore with `tcp=keep`. */
  readonly keepsConnections: boolean;
  /** Limit for the VAS's memory, in bytes. */
  readonly memoryLimit: number | undefined;
  /** Milliseconds for which momentary refusals are retried. */
  readonly retryMs: number | undefined;
  /** What to do with processes that came by exec. */
  readonly exec: ExecMode | undefined;
  /** Whether memory is copied from twins. */
  readonly twin: TwinMode | undefined;
}

/**
 * Reads a Checkpoint request. Without options, the container's policy says whether it goes on: containerd 1.6 and
 * 1.7 send options only to runtimes of runc's own name. Pure.
 *
 * @throws ShimError `invalidArgument`; `failedPrecondition` if the policy is to refuse
 */
export function planCheckpoint(
  path: string,
  options: AnyValue | undefined,
  policy: CheckpointPolicy,
): CheckpointPlan {
  if (policy.refuse) {
    throw new ShimError(
      'failedPrecondition',
      'an annotation of this container forbids checkpoints',
    );
  }
  const url = options?.typeUrl ?? '';
  if (url !== '' && url !== CheckpointOptions) {
    throw new ShimError('invalidArgument', `checkpoint options of unknown type ${url}`);
  }
  const { exit, imagePath, openTcp } = decode(
    CheckpointOptions,
    options?.value ?? new Uint8Array(0),
  );
  const target = path === '' ? imagePath : path;
  if (!target.startsWith('/')) {
    throw new ShimError(
      'invalidArgument',
      `checkpoint path ${JSON.stringify(target)} is not absolute`,
    );
  }
  const leaveRunning = !(url === '' ? policy.exit : exit);
  const { vasMemoryLimit: memoryLimit, retryMs, exec, twin } = policy;
  const keepsConnections = openTcp || policy.tcp === 'keep';
  return { imagePath: target, leaveRunning, keepsConnections, memoryLimit, retryMs, exec, twin };
}
