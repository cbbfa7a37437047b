// SPDX-License-Identifier: Apache-2.0
import { WORK } from '../plan/abi.js';
import { readKernelAreas } from '../procfs/reader.js';
import type { KernelArea } from './memory-plan.js';

const SPECIAL = new Set(['[vdso]', '[vvar]', '[vvar_vclock]']);

/** The kernel's own areas of a holder, or of a fork of one, whose own range begins at `base`. */
export function kernelAreasOf(pid: number, base: bigint): KernelArea[] {
  return readKernelAreas(pid).filter(
    (vma) => SPECIAL.has(vma.special) && vma.start >= base && vma.end <= base + WORK.size,
  );
}
