// SPDX-License-Identifier: Apache-2.0
import { errnoName } from '../../native/sys.js';
import { EndedMeanwhile, Momentary } from '../retry.js';

/** Why a tracer could not do something. A thread that stood still, and that somebody has killed, is gone at the next try. */
export function notTraced(what: string, errno: number): Momentary {
  const name = errnoName(errno);
  return new (name === 'ESRCH' ? EndedMeanwhile : Momentary)('aborted', `${what}: ${name}`);
}
