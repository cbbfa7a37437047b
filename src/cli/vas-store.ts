// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import type { Life, Segment, VasEntry, VasRecord } from '../criu/index.js';

/** How a VAS is removed. */
export interface RemoveOptions {
  /** Even if a checkpoint is filling it, which then fails. */
  readonly force: boolean;
  /** Together with the snapshots that need it. */
  readonly cascade: boolean;
  /** What is removed as well, so that it needs nothing. */
  readonly doomed: ReadonlySet<VasId>;
  /** What is told of it; by default, that somebody has removed it. */
  readonly why?: string;
}

/** The VASes of this host, as the command line needs them. */
export interface VasStore {
  /** @throws ShimError `permissionDenied` for a user who may not see them. */
  list(): Promise<readonly VasEntry[]>;
  /** @throws ShimError `notFound`. Takes a complete id. */
  inspect(id: VasId): Promise<VasEntry>;
  /** The segments that a VAS holds. @throws ShimError `notFound` once it has been removed. */
  segments(record: VasRecord): readonly Segment[];
  /**
   * Frees the memory of a VAS; living clones stay. Takes a complete id. Returns the ids of all VASes that it has removed.
   *
   * @throws ShimError `notFound`; `failedPrecondition` while it is being filled, unless forced, and while others need it
   */
  remove(id: VasId, options: RemoveOptions): Promise<readonly VasId[]>;
  /** What would miss a VAS, in words; empty: nothing. */
  needsOf(entry: VasEntry): Promise<readonly string[]>;
  /** What is known of its life. */
  life(entry: VasEntry): Life;
}
