// SPDX-License-Identifier: Apache-2.0
import type { NsTid } from '../../common/ids.js';

/** As the result of a system call. */
const EEXIST = -17n;

/** Options of an operation that takes an id, with words for why it cannot be had: in a pid namespace of its own, a container has all of them for itself. */
export function orNoId(id: NsTid): { explain: (result: bigint) => string | undefined } {
  const what = `id ${String(id)} has just been taken in the pid namespace that it shares`;
  const remedy = 'remedy: restore it into a new pod';
  return { explain: (result) => (result === EEXIST ? `${what}; ${remedy}` : undefined) };
}
