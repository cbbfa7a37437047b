// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { PROT_EXEC, SYS } from '../../native/abi/index.js';
import { KEYS } from '../../native/protection-keys.js';
import type { MvasProtectionKeys } from '../image/types.js';
import type { Sequence } from '../plan/sequence.js';
import { rangeOf, type MappedArea, type MemoryMap } from './memory-map.js';
import { hasKey, isKeyed } from './protection-keys.js';

const NUMBERS = Array.from({ length: KEYS }, (_, key) => key);

/** What a plan of keys is made from. */
interface KeysPlanOptions {
  /** What the image says of the process's keys. */
  readonly keys: MvasProtectionKeys | undefined;
  /** Whether this host has keys. */
  readonly hasKeys: boolean;
}

/**
 * Gives memory its protection keys, and the process those that it had allocated. It has none but key 0 before.
 *
 * *Precondition:* nothing of ours reads or writes that memory afterwards.
 *
 * @throws ShimError `failedPrecondition` if this host has no keys, and the process has some
 */
export function planKeys(
  { label, areas }: Pick<MemoryMap, 'label' | 'areas'>,
  { keys, hasKeys }: KeysPlanOptions,
  sequence: Sequence,
): void {
  const keyed = areas.filter(isKeyed);
  if (hasKeys && keys) {
    planAll(keyed, keys, sequence);
    return;
  }
  if (keys) refuse(label);
  for (const area of keyed) {
    // A kernel without keys does not know key 0, and one with keys would give another one.
    if (hasKeys) giveKey(area, sequence);
    else executeOnly(area, sequence);
  }
}

function planAll(
  keyed: readonly MappedArea[],
  { allocated, execute_only: own }: MvasProtectionKeys,
  sequence: Sequence,
): void {
  // The kernel gives the lowest one that is free.
  for (const key of NUMBERS.slice(1)) allocate(key, sequence);
  for (const area of keyed) if (!isOwn(area, own)) giveKey(area, sequence);
  if (own !== undefined) {
    // Now the kernel can choose only this one.
    free(own, sequence);
    for (const area of keyed) if (isOwn(area, own)) executeOnly(area, sequence);
  }
  for (const key of NUMBERS) if (key !== own && !hasKey(allocated, key)) free(key, sequence);
}

/** Whether it has the key of the kernel's own as such. */
function isOwn({ key, prot }: MappedArea, own: number | undefined): boolean {
  return key === own && prot === PROT_EXEC;
}

function allocate(key: number, sequence: Sequence): void {
  sequence.syscall('allocate a protection key', SYS.pkey_alloc, [0, 0], { expect: key });
}

function giveKey(area: MappedArea, sequence: Sequence): void {
  const { start, end, prot, key } = area;
  const what = () => `give ${rangeOf(area)} its protection key`;
  sequence.syscall(what, SYS.pkey_mprotect, [start, end - start, prot, key]);
}

function executeOnly(area: MappedArea, sequence: Sequence): void {
  const { start, end } = area;
  const what = () => `let ${rangeOf(area)} only be executed`;
  sequence.syscall(what, SYS.mprotect, [start, end - start, PROT_EXEC]);
}

function free(key: number, sequence: Sequence): void {
  sequence.syscall(`free protection key ${String(key)}`, SYS.pkey_free, [key]);
}

function refuse(label: string): never {
  const why = 'it has memory protection keys, which this host has not (pku in /proc/cpuinfo)';
  throw new ShimError('failedPrecondition', `${label}: ${why}; remedy: restore it where it was`);
}
