// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { PROT_EXEC, PROT_READ } from '../../native/abi/index.js';
import type { MvasProtectionKeys } from '../image/types.js';
import type { MappedArea, MemoryMap } from './memory-map.js';

/*
 * Memory protection keys (pkeys(7)). A key belongs to an area, and stays there when the process frees it. The kernel gives
 * memory that may only be executed a key of its own, which it then takes from what the process can allocate.
 */

/** Key 0, which every process begins with. */
export const ONLY_FIRST = 1;

/** Whether its protection is complete only with its key, which comes last. */
export function isKeyed({ key, prot, kind }: MappedArea): boolean {
  return kind !== 'vsyscall' && (key !== 0 || prot === PROT_EXEC);
}

/**
 * PROT_* bits that an area has until it gets its key. Memory that may only be executed would have the kernel allocate a key
 * for whoever maps it: for a holder, and for all that are forked from it.
 */
export function firstProtection(prot: number): number {
  return prot === PROT_EXEC ? PROT_EXEC | PROT_READ : prot;
}

/**
 * What an image says of the keys of a process; undefined if it has nothing but key 0.
 *
 * @param allocated keys that it has allocated: bit N for key N
 * @throws ShimError `failedPrecondition` if nothing tells which is the kernel's own
 */
export function keysOf(
  { label, areas }: MemoryMap,
  allocated = ONLY_FIRST,
): MvasProtectionKeys | undefined {
  const keyed = areas.filter(({ key }) => key !== 0);
  if (keyed.length === 0 && allocated === ONLY_FIRST) return undefined;
  const free = keyed.filter(({ key, prot }) => prot === PROT_EXEC && !hasKey(allocated, key));
  const [own, other] = [...new Set(free.map(({ key }) => key))].sort((a, b) => a - b);
  if (other === undefined)
    return { allocated, ...(own === undefined ? {} : { execute_only: own }) };
  const what = `protection keys ${String(own)} and ${String(other)} of memory that may only be executed are free`;
  const remedy = 'remedy: free a key after its memory (pkey_free)';
  throw new ShimError('failedPrecondition', `${label}: ${what}, which is not supported; ${remedy}`);
}

/** Whether a key is in a set: bit N for key N. */
export function hasKey(keys: number, key: number): boolean {
  return (keys & (1 << key)) !== 0;
}
