// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { ShimError } from '../../../common/errors.js';
import { hasProtectionKeys } from '../../../native/kernel-facts.js';
import { askKey, isAllocated, KEYS } from '../../../native/protection-keys.js';
import { errnoName } from '../../../native/sys.js';
import { haveChanged } from '../../arch/index.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { plainQuery, queryRemotely, type RemoteAnswer, type RemoteQuery } from './remote-query.js';

/** The key that pkey_alloc(2) gives first. */
export const FIRST_KEY = 1;

/** Asks a process whether it has allocated a protection key. */
export function keyQuery(key: number): RemoteQuery {
  return plainQuery(...askKey(key));
}

const KEY_QUERIES = Array.from({ length: KEYS }, (_, key) => keyQuery(key));

/** What shows that a process may have keys. */
interface Signs {
  /** Whether some of its memory has one. */
  readonly isKeyed: boolean;
  /** Its answer to {@link keyQuery} for the first one. */
  readonly first: RemoteAnswer;
}

/**
 * Protection keys that a process has allocated: bit N for key N; undefined if nothing shows that it has more than key 0, as
 * most have not. Changes nothing in it. The key that the kernel keeps for memory that may only be executed is not among them.
 */
export async function dumpKeys(process: TracedProcess, signs: Signs): Promise<number | undefined> {
  // Where it has memory with a key there are keys, even if we may not ask for ours.
  if (!(signs.isKeyed || hasProtectionKeys()) || !mayHaveKeys(process, signs)) return undefined;
  const answers = await queryRemotely(process.leader, KEY_QUERIES);
  const keys = answers.reduce(
    (bits, { result }, key) => bits | (isAllocated(checked(result)) ? 1 << key : 0),
    0,
  );
  return keys === 1 ? undefined : keys;
}

function mayHaveKeys({ threads }: TracedProcess, { isKeyed, first }: Signs): boolean {
  return (
    isKeyed || isAllocated(first.result) || threads.some(({ state }) => haveChanged(state.xstate))
  );
}

/** An answer that is about the key. */
function checked(result: bigint): bigint {
  if (isAllocated(result) || result === -BigInt(constants.errno.EINVAL)) return result;
  throw new ShimError('internal', `ask for a protection key: ${errnoName(Number(result))}`);
}
