// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { ShimError } from '../../common/errors.js';
import type { IdMapOptions } from '../mount/idmapped.js';
import type { LifeRequest } from '../../criu/index.js';
import type { ExecMode, TwinMode } from '../../criu/constants.js';
import { decode } from '../proto/codec.js';
import { CheckpointOptions as MvasOptions } from '../../common/messages/mvas-options.js';
import { CheckpointOptions } from '../../common/messages/runc-options.js';
import type { AnyValue } from '../proto/values.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';

/** What a Checkpoint request asks for. */
export interface CheckpointPlan {
  /** Directories between which the changes of the root filesystem are copied in the same standstill. */
  readonly changes?: {
    readonly from: string;
    readonly to: string;
    /** Ids of the copy, if they are others. */
    readonly ids?: IdMapOptions;
  };
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
  /** Whether it starts from the last one, and the next one from it. */
  readonly series: boolean;
  /** What ends the VAS. */
  readonly life: LifeRequest;
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
  const asked = decodeOptions(url, options?.value ?? new Uint8Array(0));
  const { exit, imagePath, openTcp, changes, series } = asked;
  const target = path === '' ? imagePath : path;
  assertAbsolute(target);
  const leaveRunning = !(url === '' ? policy.exit : exit);
  const { vasMemoryLimit: memoryLimit, retryMs, exec, twin, ttlMs, lease } = policy;
  const keepsConnections = openTcp || policy.tcp === 'keep';
  const life = { ttlMs, lease, isKeptElsewhere: isTemporary(target) };
  const from = { memoryLimit, retryMs, exec, twin, life, ...(changes && { changes }) };
  const isOfSeries = series ?? policy.series;
  return { imagePath: target, leaveRunning, keepsConnections, series: isOfSeries, ...from };
}

/** containerd makes such a directory where a client names none, puts it into its content store, and removes it. */
function isTemporary(path: string): boolean {
  return /^ctr?d-checkpoint/.test(basename(path));
}

/** What options of either type ask for. */
interface Asked {
  readonly exit: boolean;
  readonly imagePath: string;
  readonly openTcp: boolean;
  /** Undefined: as the policy says. */
  readonly series?: boolean;
  readonly changes?: NonNullable<CheckpointPlan['changes']>;
}

function decodeOptions(url: string, value: Uint8Array): Asked {
  if (url === MvasOptions) {
    const options = decode(MvasOptions, value);
    const { exit, changesFrom: from, changesTo: to } = options;
    const asked = { exit, imagePath: '', openTcp: false, ...(options.series && { series: true }) };
    if (from === '') return asked;
    for (const path of [from, to]) assertAbsolute(path);
    const { changesUidmap: users, changesGidmap: groups } = options;
    const ids = users === '' ? {} : { ids: { users, groups } };
    return { ...asked, changes: { from, to, ...ids } };
  }
  if (url === '' || url === CheckpointOptions) return decode(CheckpointOptions, value);
  throw new ShimError('invalidArgument', `checkpoint options of unknown type ${url}`);
}

function assertAbsolute(path: string): void {
  if (path.startsWith('/')) return;
  const message = `checkpoint path ${JSON.stringify(path)} is not absolute`;
  throw new ShimError('invalidArgument', message);
}
