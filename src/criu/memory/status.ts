// SPDX-License-Identifier: Apache-2.0
import { VMA_STATUS } from '../image/constants.js';
import type { AreaKind } from './memory-map.js';

/** How `vma_entry.status` says of what kind an area is. */
export const STATUS: Readonly<Record<AreaKind, number>> = {
  anonymous: VMA_STATUS.regular | VMA_STATUS.anonPrivate,
  'file-private': VMA_STATUS.regular | VMA_STATUS.filePrivate,
  'file-shared': VMA_STATUS.regular | VMA_STATUS.fileShared,
  'anonymous-shared': VMA_STATUS.regular | VMA_STATUS.anonShared,
  vdso: VMA_STATUS.regular | VMA_STATUS.vdso | VMA_STATUS.anonPrivate,
  vvar: VMA_STATUS.regular | VMA_STATUS.vvar | VMA_STATUS.anonPrivate,
  vsyscall: VMA_STATUS.vsyscall | VMA_STATUS.anonPrivate,
};
