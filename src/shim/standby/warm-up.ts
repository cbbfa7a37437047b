// SPDX-License-Identifier: Apache-2.0

/** What a standby does while nobody needs it, so that daemons find it done; each a short step. */
export const WARM_UPS: readonly (() => Promise<unknown>)[] = [() => import('../../criu/index.js')];
