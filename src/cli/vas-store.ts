// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import type { Segment, VasEntry, VasRecord } from '../criu/index.js';

/** The VASes of this host, as the command line needs them. */
export interface VasStore {
  /** @throws ShimError `permissionDenied` for a user who may not see them. */
  list(): Promise<readonly VasEntry[]>;
  /** @throws ShimError `notFound`. Takes a complete id. */
  inspect(id: VasId): Promise<VasEntry>;
  /** The segments that a VAS holds. @throws ShimError `notFound` once it has been removed. */
  segments(record: VasRecord): readonly Segment[];
  /**
   * Frees the memory of a VAS; living clones stay. Takes a complete id. With force, a checkpoint that is
   * filling it fails.
   *
   * @throws ShimError `notFound`, `failedPrecondition` while it is being filled, unless forced.
   */
  remove(id: VasId, force: boolean): Promise<void>;
}
