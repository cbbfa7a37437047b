// SPDX-License-Identifier: Apache-2.0
import type { VasEntry } from '../criu/index.js';

/** The VASes of this host, as the command line needs them. */
export interface VasStore {
  /** @throws ShimError `permissionDenied` for who may not see them. */
  list(): Promise<readonly VasEntry[]>;
  /** @throws ShimError `notFound`. Takes a complete id. */
  inspect(id: string): Promise<VasEntry>;
  /**
   * Frees its memory; living clones stay. Takes a complete id. By force, a checkpoint that fills it fails.
   *
   * @throws ShimError `notFound`, `failedPrecondition` while it is filling, unless by force.
   */
  remove(id: string, force: boolean): Promise<void>;
}
