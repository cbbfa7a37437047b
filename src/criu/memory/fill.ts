// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import {
  MADV_COLLAPSE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_POPULATE_WRITE,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  MAP_PRIVATE_ANONYMOUS,
  MREMAP_MOVE_FIXED,
  PAGE,
  PR,
  PROT_READ_WRITE,
  HUGE_PAGE,
} from '../../native/abi/index.js';
import { SYS } from '../../native/sys.js';
import { WORK } from '../plan/abi.js';
import { PlanBuilder, type Sequence, type Slot } from '../plan/builder.js';
import { readMaps } from '../procfs/reader.js';
import type { TracedProcess } from '../tracee/tracee.js';
import type { HolderClient } from '../vas/holder-client.js';
import { denseBlocks } from './huge-pages.js';
import { describeArea, protection } from './area.js';
import type { KernelArea } from './memory-plan.js';
import type { Pages } from './pages.js';
import { protectionInHolder, stretches, type Stretch } from './stretches.js';
import { isStash, type ProcessMemory, type SharedObject, type StoredArea } from './snapshot.js';

/** Descriptors that may go along with one plan, besides one or two. */
export const FDS_AT_ONCE = 200;
/** So much memory is copied by one plan: that many processes, and mappings if there is more than one process. */
const PROCESSES_AT_ONCE = 64;
const AREAS_AT_ONCE = 4096;
const SPECIAL = new Set(['[vdso]', '[vvar]', '[vvar_vclock]']);

/**
 * Empties a new holder: its code moves to `base`, the kernel's own areas behind it, and everything else is unmapped.
 *
 * @returns the kernel's areas, where they are now
 */
export async function clearHolder(
  holder: HolderClient,
  pid: number,
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

/** Copies memory of processes into the holder. `pagesOf`: where that of each is pulled from. */
export async function fillProcesses(
  holder: HolderClient,
  base: bigint,
  memories: readonly ProcessMemory[],
  pagesOf: (process: TracedProcess) => Pages,
): Promise<void> {
  for (const some of portions(memories)) {
    const builder = new PlanBuilder();
    const opened: Pages[] = [];
    try {
      // The sequences follow one another in the plan, so that each runs on into the next.
      const sequences = some.map((memory) => {
        const pages = pagesOf(memory.process);
        opened.push(pages);
        return planProcess(builder, memory, { pages, source: builder.slot() });
      });
      sequences.at(-1)?.end();
      const files = opened.map(({ fd }) => fd);
      await holder.run(builder.finish(), base, sequences[0]?.offset ?? 0, files);
    } finally {
      for (const pages of opened) pages.close();
    }
  }
}

/** Processes whose memory is copied by one plan. */
function portions(memories: readonly ProcessMemory[]): ProcessMemory[][] {
  const result: ProcessMemory[][] = [];
  let areas = 0;
  for (const memory of memories) {
    areas += memory.areas.length;
    const last = result.at(-1);
    if (last && last.length < PROCESSES_AT_ONCE && areas <= AREAS_AT_ONCE) {
      last.push(memory);
      continue;
    }
    result.push([memory]);
    areas = memory.areas.length;
  }
  return result;
}

function planProcess(
  builder: PlanBuilder,
  memory: ProcessMemory,
  { pages, source }: { readonly pages: Pages; readonly source: Slot },
): Sequence {
  const sequence = builder.sequence(memory.process.label);
  const stored = memory.areas.filter((area) => area.place !== undefined);
  const placed = stretches(stored);
  for (const stretch of placed) mapStretch(sequence, stretch);
  planProtections(builder, sequence, placed.flatMap(writableParts));
  for (const { whole } of placed) makeHugePages(sequence, whole);
  // Huge pages where the process had them, small ones elsewhere, whatever the host's default is.
  sequence.syscall('turn huge pages off', SYS.prctl, [PR.setThpDisable, 1, 0, 0, 0]);
  const pull = (area: StoredArea): void => {
    for (const run of area.runs) pages.pull(sequence, source, area, run);
  };
  for (const { whole } of placed) if (whole.vma.anonHugePages === 0) pull(whole);
  sequence.syscall('turn huge pages on', SYS.prctl, [PR.setThpDisable, 0, 0, 0, 0]);
  for (const { whole } of placed) if (whole.vma.anonHugePages > 0) pull(whole);
  planProtections(builder, sequence, placed.flatMap(protectedParts));
  pages.finish(builder, sequence, source);
  return sequence;
}

function mapStretch(sequence: Sequence, stretch: Stretch): void {
  const { whole, mapped, isUnreserved } = stretch;
  const { vma, place } = whole;
  const isAnonymous = !isStash(whole);
  const flags =
    (vma.vmFlags.has('dp') ? MAP_DROPPABLE | MAP_ANONYMOUS : MAP_PRIVATE_ANONYMOUS) |
    MAP_FIXED_NOREPLACE |
    (isAnonymous && vma.vmFlags.has('gd') ? MAP_GROWSDOWN : 0) |
    (isUnreserved ? MAP_NORESERVE : 0);
  const at = place ?? 0n;
  const length = vma.end - vma.start;
  const args = [at, length, mapped, flags, -1, 0];
  sequence.syscall(() => `map ${describeArea(vma)}`, SYS.mmap, args, { expect: at });
  const advice = vma.vmFlags.has('hg')
    ? MADV_HUGEPAGE
    : vma.vmFlags.has('nh')
      ? MADV_NOHUGEPAGE
      : 0;
  if (advice !== 0 && isAnonymous) {
    const options = { tolerate: true }; // A kernel without huge pages.
    sequence.syscall('advise huge pages', SYS.madvise, [at, length, advice], options);
  }
}

/**
 * Backs the dense parts of an area by huge pages, whatever the host's default is: forking a VAS costs
 * page tables, and the fewer of them there are the better. One page is touched in each block, then the
 * blocks are collapsed (madvise(2), MADV_COLLAPSE, Linux 6.1; it leaves no trace in the mapping's
 * flags). Where the kernel refuses, small pages do.
 */
function makeHugePages(sequence: Sequence, area: StoredArea): void {
  const { vma, place = 0n, runs } = area;
  if (isStash(area) || vma.vmFlags.has('nh')) return;
  const options = { tolerate: true };
  for (const { start, end } of denseBlocks(vma, runs)) {
    const at = place + (start - vma.start);
    const length = end - start;
    for (let offset = 0n; offset < length; offset += HUGE_PAGE) {
      const args = [at + offset, PAGE, MADV_POPULATE_WRITE];
      sequence.syscall('touch a page', SYS.madvise, args, options);
    }
    sequence.syscall('make huge pages', SYS.madvise, [at, length, MADV_COLLAPSE], options);
  }
}

/** A range of the holder, and the protection it is to have (PROT_* bits). */
interface Protection {
  readonly at: bigint;
  readonly length: bigint;
  readonly bits: number;
}

/** What has to be made writable to be filled. */
function writableParts({ whole, writable }: Stretch): Protection[] {
  const { vma, place = 0n } = whole;
  return writable.map(({ start, length }) => {
    return { at: place + (start - vma.start), length, bits: PROT_READ_WRITE };
  });
}

/** What has to get the protection it has in its process. */
function protectedParts(stretch: Stretch): Protection[] {
  const parts: Protection[] = [];
  for (const member of stretch.members) {
    const { vma, place = 0n } = member;
    const bits = protection(vma);
    if (isStash(member) || bits === protectionInHolder(member, stretch)) continue;
    parts.push({ at: place, length: vma.end - vma.start, bits });
  }
  return parts;
}

function planProtections(
  builder: PlanBuilder,
  sequence: Sequence,
  parts: readonly Protection[],
): void {
  if (parts.length === 0) return;
  const rows = BigUint64Array.from(
    parts.flatMap(({ at, length, bits }) => [at, length, BigInt(bits)]),
  );
  const data = builder.data(new Uint8Array(rows.buffer));
  const what = (row: number): string => `protect 0x${parts[row]?.at.toString(16) ?? ''}`;
  sequence.rows({ nr: SYS.mprotect, data, width: 3, what });
}

/** Copies shared memory into the holder. Everybody who could write to it must stand still. */
export async function fillShared(
  holder: HolderClient,
  base: bigint,
  objects: readonly SharedObject[],
): Promise<void> {
  for (let first = 0; first < objects.length; first += FDS_AT_ONCE) {
    await fillSomeShared(holder, base, objects.slice(first, first + FDS_AT_ONCE));
  }
}

async function fillSomeShared(
  holder: HolderClient,
  base: bigint,
  objects: readonly SharedObject[],
): Promise<void> {
  const builder = new PlanBuilder();
  const slots = objects.map(() => builder.slot());
  const sequence = builder.sequence('shared memory');
  const files = objects.map((object) => openSync(object.link, 'r'));
  try {
    for (const [index, object] of objects.entries()) {
      const slot = slots[index];
      const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE;
      const args = [object.place, object.size, PROT_READ_WRITE, flags, -1, 0];
      sequence.syscall('map shared memory', SYS.mmap, args, { expect: object.place });
      for (const { start, length } of object.runs) {
        sequence.pread('copy shared memory', slot ?? null, object.place + start, start, length);
      }
    }
    sequence.end();
    await holder.run(builder.finish(), base, sequence.offset, files);
  } finally {
    for (const file of files) closeSync(file);
  }
}
