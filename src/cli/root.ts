// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import type { CliContext } from './context.js';

/**
 * Requires root: to other users, what they may not read looks as if it did not exist.
 *
 * @throws ShimError `permissionDenied` for anybody but root
 */
export function requireRoot({ isRoot }: CliContext, what: string): void {
  if (!isRoot) throw new ShimError('permissionDenied', `${what}: not permitted`);
}
