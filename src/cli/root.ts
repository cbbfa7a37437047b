// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import type { CliContext } from './context.js';

/**
 * To others what they may not read looks like what is not there.
 *
 * @throws ShimError `permissionDenied` for anybody but root
 */
export function requireRoot({ isRoot }: CliContext, what: string): void {
  if (!isRoot) throw new ShimError('permissionDenied', `${what}: not permitted`);
}
