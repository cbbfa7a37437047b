// SPDX-License-Identifier: Apache-2.0

/**
 * How a VAS is: `complete` can be restored from; `filling` is a checkpoint under way; `lost` is a
 * directory whose holder has gone, and its memory with it: that of a checkpoint goes with its engine.
 */
export type VasState = 'complete' | 'filling' | 'lost';

/** What `mvas ls` shows of a VAS. */
export interface VasEntry {
  readonly id: string;
  /** Given by its maker; need not be unique. */
  readonly name: string;
  readonly state: VasState;
  readonly containerId: string;
  /** When its memory was taken, or, until that is known, when it was begun. */
  readonly createdAt: Date;
  /** Memory it holds. */
  readonly bytes: number;
  /** Number of segments. */
  readonly segments: number;
  /** Number of processes whose memory it holds. */
  readonly processes: number;
  /** Pid of its holder; undefined once lost. */
  readonly holderPid: number | undefined;
  /** Number of living processes that were forked from it. */
  readonly clones: number;
}

/** A range of memory in a VAS. */
export interface VasSegment {
  /** First address. */
  readonly start: bigint;
  /** First address behind it. */
  readonly end: bigint;
  /** As in maps: `rw-`. */
  readonly protection: string;
  readonly kind: 'private' | 'shared' | 'file-private';
  /** Bytes of it that are present. */
  readonly bytes: number;
  /** File or special name (`[heap]`), empty for nameless memory. */
  readonly name: string;
}

/** What `mvas inspect` shows of a VAS. */
export interface VasDetails extends VasEntry {
  /** Where `vas.json` lies. */
  readonly directory: string;
  /** Boot of the host it belongs to. */
  readonly bootId: string;
  /**
   * How the memory was taken: copied by the holder, duplicated by the kernel and then copied, or
   * duplicated and kept so; '' while unknown.
   */
  readonly backend: 'holder' | 'kernel' | 'kernel-exec' | '';
  /** The VAS it was forked from, if any. */
  readonly parentId: string | undefined;
  readonly segmentList: readonly VasSegment[];
}

/** The VASes of this host, as the command line needs them. */
export interface VasStore {
  /** @throws ShimError `permissionDenied` for who may not see them. */
  list(): Promise<readonly VasEntry[]>;
  /** @throws ShimError `notFound`. Takes a complete id. */
  inspect(id: string): Promise<VasDetails>;
  /**
   * Frees its memory; living clones stay. Takes a complete id. By force, a checkpoint that fills it fails.
   *
   * @throws ShimError `notFound`, `failedPrecondition` while it is filling, unless by force.
   */
  remove(id: string, force: boolean): Promise<void>;
}
