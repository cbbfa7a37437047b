// SPDX-License-Identifier: Apache-2.0
import { rehearse } from './rehearsal.js';

/**
 * What a standby does while nobody needs it, so that daemons find it done; each a short step, after which
 * nothing is under way. `directory` is the standby's.
 */
export const WARM_UPS: readonly ((directory: string) => Promise<unknown>)[] = [
  rehearse,
  () => import('../../criu/index.js'),
];
