// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../common/ids.js';
import type { Segment, VasEntry, VasRecord } from '../criu/index.js';

/** What `mvas ls` shows of a VAS. */
export interface VasSummary {
  readonly id: VasId;
  /** Given by its creator; need not be unique. */
  readonly name: string;
  readonly state: VasEntry['state'];
  readonly containerId: string;
  readonly createdAt: Date;
  /** Memory it holds. */
  readonly bytes: number;
  /** The VAS that it has been forked from, and shares pages with, which need not exist any more; ''. */
  readonly origin: string;
  /** Bytes that were copied in addition to what that had. */
  readonly copied: number;
  /** Number of segments. */
  readonly segments: number;
  /** Number of processes whose memory it holds. */
  readonly processes: number;
  /** Pid of its holder; undefined once lost. */
  readonly holderPid: HostPid | undefined;
  /** Number of living processes that were forked from it. */
  readonly clones: number;
}

/** A range of memory in a VAS. */
export interface VasSegment extends Omit<Segment, 'pid'> {
  /** The process it belongs to. */
  readonly name: string;
}

/** What `mvas inspect` shows of a VAS. */
export interface VasDetails extends VasSummary {
  readonly directory: string;
  /** Boot of the host it belongs to. */
  readonly bootId: string;
  /** How the memory was taken; '' while unknown. */
  readonly backend: VasRecord['backend'] | '';
  /** What was copied while the container ran; null: nothing. */
  readonly preCopy: NonNullable<VasRecord['preCopy']> | null;
  /** How many processes were copied from a twin. */
  readonly twins: number;
  readonly segmentList: readonly VasSegment[];
}

/** What is shown of a VAS whose record is missing. */
const NO_RECORD: Pick<VasRecord, 'containerId' | 'bytes' | 'origin' | 'copied' | 'processes'> = {
  containerId: '',
  bytes: 0,
  processes: [],
};

/** What `mvas ls` shows of a VAS. */
export function summaryOf(entry: VasEntry): VasSummary {
  const { id, state, createdAt, record, holder } = entry;
  const { containerId, bytes, origin = '', copied = 0, processes } = record ?? NO_RECORD;
  return {
    id,
    name: nameOf(entry),
    state,
    containerId,
    createdAt,
    ...{ bytes, origin, copied },
    segments: processes.reduce((sum, process) => sum + process.segments, 0),
    processes: processes.length,
    holderPid: holder?.pid,
    clones: holder?.forks ?? 0,
  };
}

/** What people call a VAS: the name of the snapshot, or one made of its container's. */
export function nameOf({ record, snapshot }: VasEntry): string {
  const given = snapshot?.name ?? '';
  return given === '' ? (record?.name ?? '') : given;
}

/** What `mvas inspect` shows of a VAS. `segments`: what it holds. */
export function detailsOf(vas: VasEntry, segments: readonly Segment[]): VasDetails {
  const names = new Map((vas.record?.processes ?? []).map(({ pid, name }) => [pid, name]));
  const segmentList = segments.map(({ pid, ...segment }): VasSegment => ({
    ...segment,
    name: `pid ${String(pid)} ${names.get(pid) ?? ''}`,
  }));
  return {
    ...summaryOf(vas),
    directory: vas.directory,
    ...howMade(vas.record),
    segmentList,
  };
}

/** How its memory was taken, as far as is known. */
function howMade(record: Partial<VasRecord> = {}) {
  const { bootId = '', preCopy = null, twins = 0 } = record;
  return { bootId, backend: record.backend ?? ('' as const), preCopy, twins };
}
