// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import type { Segment, VasEntry, VasRecord } from '../criu/index.js';

/** The VASes of this host, as the command line needs them. */
export interface VasStore {
  /** @throws ShimError `permissionDenied` for who may not see them. */
  list(): Promise<readonly VasEntry[]>;
  /** @throws ShimError `notFound`. Takes a complete id. */
  inspect(id: VasId): Promise<VasEntry>;
  /** The ranges of memory that it holds. @throws ShimError `notFound` once it is removed. */
  segments(record: VasRecord): readonly Segment[];
  /**
   * Frees its memory; living clones stay. Takes a complete id. By force, a checkpoint that fills it fails.
   *
   * @throws ShimError `notFound`, `failedPrecondition` while it is filling, unless by force.
   */
  remove(id: VasId, force: boolean): Promise<void>;
}
