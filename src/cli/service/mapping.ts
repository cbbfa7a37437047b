// SPDX-License-Identifier: Apache-2.0
import { ERROR_CODES, type ErrorKind } from '../../common/errors.js';
import type { Clone, Network, Stage as WorkStage } from '../../containerd/index.js';
import type { SnapshotRecord, VasEntry } from '../../criu/index.js';
import { detailsOf, summaryOf } from '../summary.js';
import { assertCount, networkOf, type Forking } from '../work/fork.js';
import type { Inspected } from '../work/inspect.js';
import type { Limits } from '../work/prune.js';
import type { Difference } from '../work/diff.js';
import type { Node as TreeNode } from '../work/tree.js';
import {
  Difference as DifferenceKind,
  Stage,
  type Differences,
  type Node,
  type Failure,
  type ForkRequest,
  type ForkResponse,
  type PruneRequest,
  type Snapshot,
  type Vas,
  type VasDetails,
} from './messages/service.js';
import type { Timestamp } from '../../common/messages/timestamp.js';

/* Between messages of the service and what the work takes and gives. Pure. */

const STAGES: Readonly<Record<WorkStage, number>> = {
  prepare: Stage.STAGE_PREPARE,
  checkpoint: Stage.STAGE_CHECKPOINT,
  restore: Stage.STAGE_RESTORE,
  keep: Stage.STAGE_KEEP,
};
const NANOS_PER_MS = 1_000_000;

/** A message that only tells what is being done. */
export function stageMessage(stage: WorkStage): { readonly stage: number } {
  return { stage: STAGES[stage] };
}

/** A point in time. */
export function timestampOf(date: Date): Timestamp {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * NANOS_PER_MS };
}

/** A snapshot that has been taken. */
export function snapshotMessage(record: SnapshotRecord): Snapshot {
  const { id, name, containerId, createdAt } = record;
  return { id, name, containerId, createdAt: timestampOf(new Date(createdAt)) };
}

/** What `mvas ls` shows of a VAS. */
export function vasMessage(vas: VasEntry): Vas {
  const { createdAt, bytes, holderPid = 0, ...same } = summaryOf(vas);
  return {
    ...same,
    createdAt: timestampOf(createdAt),
    bytes: BigInt(bytes),
    holderPid,
    namespace: vas.snapshot?.owner ?? '',
  };
}

/** What `mvas inspect` shows of a VAS. */
export function detailsMessage({ vas, segments }: Inspected): VasDetails {
  const { directory, bootId, backend, twins, segmentList, origin, copied } = detailsOf(
    vas,
    segments,
  );
  const messages = segmentList.map((segment) => ({ ...segment, bytes: BigInt(segment.bytes) }));
  const memory = { backend, twins, origin, copied: BigInt(copied), segments: messages };
  return { vas: vasMessage(vas), directory, bootId, ...memory };
}

/** What could not be done beside other things. */
export function failureMessage(
  id: string,
  { kind, message }: { readonly kind: ErrorKind; readonly message: string },
): Failure {
  return { id, code: ERROR_CODES[kind], message };
}

/** What became of a clone. */
export function cloneMessage({ id, pid = 0, ms, error }: Clone): Partial<ForkResponse> {
  return error ? { failure: failureMessage(id, error) } : { clone: { id, pid, ms } };
}

/** What a request for clones asks for. @throws ShimError `invalidArgument` */
export function forkingOf(
  request: ForkRequest,
): Omit<Forking, 'signal'> & { readonly network: Network } {
  const { source, name, labels, net, logUri, noRootfs, ownDaemons } = request;
  const { hook: command, hookRequired } = request;
  const count = request.count === 0 ? 1 : request.count;
  assertCount(count);
  const pairs = labels.map(({ key = '', value = '' }) => [key, value] as const);
  return {
    ...{ source, count, logUri, ownDaemons },
    name: name === '' ? undefined : name,
    labels: Object.fromEntries(pairs),
    network: networkOf(net === '' ? 'same' : net),
    rootfs: !noRootfs,
    hook: command === '' ? undefined : { command, isRequired: hookRequired },
  };
}

/** Snapshots and containers, each after what it descends from. */
export function nodeMessages(nodes: readonly TreeNode[], parent = ''): Partial<Node>[] {
  return nodes.flatMap(({ kind, id, name, state, createdAt, memory, children }) => {
    const node = {
      ...{ id, name, parent, state, isContainer: kind === 'container' },
      ...(createdAt !== '' && { createdAt: timestampOf(new Date(createdAt)) }),
      ...{ ownBytes: BigInt(memory.own), sharedBytes: BigInt(memory.shared) },
    };
    return [node, ...nodeMessages(children, id)];
  });
}

const DIFFERENCES = {
  added: DifferenceKind.DIFFERENCE_ADDED,
  changed: DifferenceKind.DIFFERENCE_CHANGED,
  deleted: DifferenceKind.DIFFERENCE_DELETED,
} as const;

/** What has changed between two snapshots. */
export function differencesMessage({ files, processes }: Difference): Partial<Differences> {
  return {
    hasFiles: files !== undefined,
    files: (files ?? []).map(({ change, path }) => ({ difference: DIFFERENCES[change], path })),
    processes: processes.map(({ change, pid, name, bytes }) => ({
      ...{ difference: DIFFERENCES[change], pid, name },
      ...(bytes !== undefined && { bytes: BigInt(bytes) }),
    })),
  };
}

/** Which snapshots a request wants to be removed. */
export function limitsOf({ olderMs, keep }: PruneRequest): Limits {
  return { olderMs: olderMs === undefined ? undefined : Number(olderMs), keep };
}
