// SPDX-License-Identifier: Apache-2.0
import { VMA_STATUS } from '../image/constants.js';
import type { AreaKind } from './memory-map.js';

/** How `vma_entry.status` encodes the kind of an area. */
export const STATUS: Readonly<Record<AreaKind, number>> = {
  anonymous: VMA_STATUS.regular | VMA_STATUS.anonPrivate,
  'file-private': VMA_STATUS.regular | VMA_STATUS.filePrivate,
  'file-shared': VMA_STATUS.regular | VMA_STATUS.fileShared,
  'anonymous-shared': VMA_STATUS.regular | VMA_STATUS.anonShared,
  vdso: VMA_STATUS.regular | VMA_STATUS.vdso | VMA_STATUS.anonPrivate,
  vvar: VMA_STATUS.regular | VMA_STATUS.vvar | VMA_STATUS.anonPrivate,
  vsyscall: VMA_STATUS.vsyscall | VMA_STATUS.anonPrivate,
};

const KERNELS = VMA_STATUS.vdso | VMA_STATUS.vvar | VMA_STATUS.vsyscall;
const OTHERS = VMA_STATUS.filePrivate | VMA_STATUS.fileShared | VMA_STATUS.anonShared;

/** The bits that tell a kind. The kernel's areas are private and anonymous, whether those bits are set or not. */
function kindBits(status: number): number {
  const bits = status & (KERNELS | OTHERS);
  return (bits & KERNELS) === 0 ? bits | (status & VMA_STATUS.anonPrivate) : bits;
}

const BY_BITS: ReadonlyMap<number, AreaKind> = new Map(
  Object.entries(STATUS).map(([kind, status]) => [kindBits(status), kind as AreaKind]),
);

/** The inverse; undefined if no kind has these bits. */
export function kindOf(status: number): AreaKind | undefined {
  return BY_BITS.get(kindBits(status));
}
