// SPDX-License-Identifier: Apache-2.0
import { PAGE, PROT_READ } from './abi/index.js';
import { SYS } from './sys.js';

/** Keys that a process can have (pkeys(7)). Key 0 is that of all memory by default. */
export const KEYS = 16;
/** Memory that is only the kernel's, whoever asks: nothing of it has a protection. */
const NOWHERE = 0xffff_ffff_ffff_0000n;
const ENOMEM = -12n;

/**
 * Arguments of pkey_mprotect(2) that ask whether the caller has allocated a key. Nothing is changed, not even its rights: the
 * kernel looks at the key (do_mprotect_pkey of mm/mprotect.c) before it finds no memory.
 */
export function askKey(key: number): readonly [nr: number, ...args: (number | bigint)[]] {
  return [SYS.pkey_mprotect, NOWHERE, PAGE, PROT_READ, key];
}

/** Whether the result of {@link askKey} says so. It is `EINVAL` otherwise, also of the kernel's own key. */
export function isAllocated(result: bigint | number): boolean {
  return BigInt(result) === ENOMEM;
}
