// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { PROT_EXEC } from '../../native/abi/index.js';
import { KEYS } from '../../native/protection-keys.js';
import { VMA_STATUS } from '../image/constants.js';
import type { MmEntry, MvasProtectionKeys, VmaEntry } from '../image/types.js';
import { VmaRows } from '../image/vma-rows.js';
import { hasKey } from './protection-keys.js';

/** Kinds of entries that are no memory of the process's own. */
const WITHOUT = VMA_STATUS.guard | VMA_STATUS.vsyscall;

/**
 * Checks what is said of a process's protection keys. An area may have a key that is free: freeing one does not look for areas.
 *
 * @throws ShimError `dataLoss`
 */
export function validateKeys({ vmas, mvas_pkeys: keys }: MmEntry, what: string): void {
  // Rows have no keys.
  const entries = vmas.flatMap((vma) => (vma instanceof VmaRows ? [] : [vma]));
  const keyed = entries.filter(({ mvas_pkey: key }) => key !== undefined);
  for (const vma of keyed) checkKeyed(vma, what);
  if (keyed.length > 0 && !keys) {
    badImage(`${what}: memory has a protection key, and the process has none`);
  }
  if (keys) checkKeys(keys, keyed, what);
}

function checkKeyed({ mvas_pkey: key = 0, status }: VmaEntry, what: string): void {
  if ((status & WITHOUT) !== 0) badImage(`${what}: what cannot have one has a protection key`);
  if (key === 0 || key >= KEYS) badImage(`${what}: memory has protection key ${String(key)}`);
}

function checkKeys(
  { allocated, execute_only: own }: MvasProtectionKeys,
  keyed: readonly VmaEntry[],
  what: string,
): void {
  if (allocated >= 1 << KEYS) badImage(`${what}: it has more protection keys than there are`);
  if (own === undefined) return;
  if (own === 0 || own >= KEYS || hasKey(allocated, own)) {
    badImage(`${what}: the kernel cannot have protection key ${String(own)}`);
  }
  if (!keyed.some(({ mvas_pkey: key, prot }) => key === own && prot === PROT_EXEC)) {
    badImage(`${what}: no memory has the kernel's protection key`);
  }
}
