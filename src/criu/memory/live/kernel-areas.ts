// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { MREMAP_MOVE_FIXED } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import { WORK } from '../../plan/abi.js';
import { PlanBuilder } from '../../plan/builder.js';
import { readMaps } from '../../procfs/reader.js';
import type { HolderClient } from '../../vas/holder-client.js';
import type { KernelArea } from '../memory-plan.js';

const SPECIAL = new Set(['[vdso]', '[vvar]', '[vvar_vclock]']);

/** The kernel's own areas of a process. */
export function readKernelAreas(pid: HostPid): KernelArea[] {
  return readMaps(pid).filter(({ special }) => SPECIAL.has(special));
}

/**
 * Empties a new holder: moves its code to `base` and the kernel's own areas behind it, and unmaps everything else.
 *
 * @returns the kernel's areas at their new addresses
 */
export async function clearHolder(
  holder: HolderClient,
  pid: HostPid,
  base: bigint,
): Promise<KernelArea[]> {
  await holder.move(base);
  const builder = new PlanBuilder();
  const sequence = builder.sequence('holder');
  const maps = readMaps(pid).filter((vma) => vma.special !== '[vsyscall]');
  const outside = maps.filter((vma) => vma.start < base || vma.end > base + WORK.size);
  const special = outside.filter((vma) => SPECIAL.has(vma.special));
  const first = special[0]?.start ?? 0n;
  const moved = special.map((vma): KernelArea => {
    const size = vma.end - vma.start;
    const to = base + WORK.vdso + (vma.start - first);
    const args = [vma.start, size, size, MREMAP_MOVE_FIXED, to];
    sequence.syscall(`move ${vma.special}`, SYS.mremap, args);
    return { special: vma.special, start: to, end: to + size };
  });
  for (const vma of outside) {
    if (SPECIAL.has(vma.special)) continue;
    const args = [vma.start, vma.end - vma.start];
    sequence.syscall(`unmap 0x${vma.start.toString(16)}`, SYS.munmap, args);
  }
  sequence.end();
  const plan = builder.finish();
  await holder.run(plan, base, sequence.offset);
  return moved;
}
