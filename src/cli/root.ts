// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/**
 * To others what they may not read looks like what is not there.
 *
 * @throws ShimError `permissionDenied` for anybody but root
 */
export function requireRoot(what: string): void {
  if (process.geteuid?.() !== 0) throw new ShimError('permissionDenied', `${what}: not permitted`);
}
