// SPDX-License-Identifier: Apache-2.0
import {
  HUGE_PAGE,
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_POPULATE_WRITE,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  MAP_PRIVATE_ANONYMOUS,
  PAGE,
  PR,
  PROT_READ,
  PROT_READ_WRITE,
  SYS,
} from '../../native/abi/index.js';
import type { PlanBuilder } from '../plan/builder.js';
import type { Slot } from '../plan/values.js';
import type { Sequence } from '../plan/sequence.js';
import type { Difference, KeptArea, Vanished } from './difference.js';
import { denseBlocks } from './huge-pages.js';
import {
  describeArea,
  has,
  isAdvised,
  isStash,
  rangeOf,
  type MappedArea,
  type SharedObject,
} from './memory-map.js';
import type { PageRun } from './page-runs.js';
import { firstProtection } from './protection-keys.js';
import type { Pages, WantedPages } from './pages.js';
import { protectionInHolder, stretches, type Stretch } from './stretches.js';

/** PROT_* bits as words. */
const BITS = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n];

/** Pages, and the slot of their descriptor. */
export interface PlannedPages {
  readonly pages: Pages;
  readonly source: Slot;
}

/**
 * Plans what turns a VAS into one that holds other memory of a process: an empty one gets all of it (fromNothing),
 * the fork of one only what differs. Kept areas already have their present protection there.
 *
 * @param label the process, for messages
 * @returns the sequence, to be ended or to be followed by another
 */
export function planFill(
  builder: PlanBuilder,
  label: string,
  { added, kept, vanished }: Difference,
  { pages, source }: PlannedPages,
): Sequence {
  const sequence = builder.sequence(label);
  for (const one of vanished) unmap(sequence, one);
  for (const one of kept) openKept(sequence, one);
  const stored = added.filter((area) => area.place !== undefined);
  const placed = stretches(stored);
  for (const stretch of placed) mapStretch(sequence, stretch);
  planProtections(builder, sequence, placed.flatMap(writableParts));
  for (const { whole } of placed) makeHugePages(sequence, whole);
  // Huge pages where the process had them, small pages elsewhere, whatever the host's default is.
  sequence.syscall('turn huge pages off', SYS.prctl, [PR.setThpDisable, 1, 0, 0, 0]);
  const pull = (area: MappedArea, runs: readonly PageRun[]): void => {
    for (const run of runs) pages.pull(sequence, source, wantedPages(area, run));
  };
  for (const { whole } of placed) if (!has(whole, 'hugePages')) pull(whole, whole.runs);
  sequence.syscall('turn huge pages on', SYS.prctl, [PR.setThpDisable, 0, 0, 0, 0]);
  for (const { whole } of placed) if (has(whole, 'hugePages')) pull(whole, whole.runs);
  for (const { area, runs } of kept) pull(area, runs);
  planProtections(builder, sequence, placed.flatMap(protectedParts));
  planProtections(builder, sequence, kept.flatMap(closedParts));
  pages.finish(builder, sequence, source);
  return sequence;
}

/** Plans the filling of an empty place with a shared object. */
export function planFillShared(
  sequence: Sequence,
  { place, size, runs, file }: SharedObject,
  { pages, source, builder }: PlannedPages & { readonly builder: PlanBuilder },
): void {
  const bytes = file?.bytes ?? size;
  const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE;
  const args = [place, size, PROT_READ_WRITE, flags, -1, 0];
  sequence.syscall('map shared memory', SYS.mmap, args, { expect: place });
  for (const { start: from, length: whole } of runs) {
    const length = from + whole > bytes ? bytes - from : whole;
    const wanted = { from, to: place + from, length, isReadable: true };
    pages.pull(sequence, source, { what: 'copy shared memory', ...wanted });
  }
  if (file?.tail === undefined) return;
  const tail = builder.data(file.tail, 1);
  sequence.copy('copy the end of shared memory', place + bytes, tail, file.tail.length);
}

function wantedPages(area: MappedArea, { start: from, length }: PageRun): WantedPages {
  return {
    what: () => `copy ${String(length)} bytes of ${describeArea(area)}`,
    from,
    to: placeOf(area, from),
    length,
    isReadable: (area.prot & PROT_READ) !== 0,
  };
}

function placeOf({ start, place = 0n }: MappedArea, address: bigint): bigint {
  return place + (address - start);
}

/** Removes what has vanished. */
export function unmap(sequence: Sequence, { start, end, place }: Vanished): void {
  if (place === undefined) return;
  sequence.syscall(`unmap ${rangeOf({ start, end })}`, SYS.munmap, [place, end - start]);
}

/** Writes to what was filled before, and drops pages that are empty now. */
function openKept(sequence: Sequence, kept: KeptArea): void {
  const { area, holes } = kept;
  for (const { at, length } of closedParts(kept)) {
    sequence.syscall(`open ${describeArea(area)}`, SYS.mprotect, [at, length, PROT_READ_WRITE]);
  }
  for (const hole of holes) {
    const args = [placeOf(area, hole.start), hole.length, MADV_DONTNEED];
    sequence.syscall(`drop pages of ${describeArea(area)}`, SYS.madvise, args);
  }
}

function mapStretch(sequence: Sequence, { whole, mapped, isUnreserved }: Stretch): void {
  const { start, end, place = 0n } = whole;
  const isAnonymous = !isStash(whole);
  const isDroppable = (whole.flags & MAP_DROPPABLE) !== 0;
  const flags =
    (isDroppable ? MAP_DROPPABLE | MAP_ANONYMOUS : MAP_PRIVATE_ANONYMOUS) |
    MAP_FIXED_NOREPLACE |
    (isAnonymous ? whole.flags & MAP_GROWSDOWN : 0) |
    (isUnreserved ? MAP_NORESERVE : 0);
  const args = [place, end - start, mapped, flags, -1, 0];
  sequence.syscall(() => `map ${describeArea(whole)}`, SYS.mmap, args, { expect: place });
  const advice = [MADV_HUGEPAGE, MADV_NOHUGEPAGE].find((one) => isAdvised(whole, one));
  if (advice === undefined || !isAnonymous) return;
  const options = { tolerate: true }; // The kernel does not support huge pages.
  sequence.syscall('advise huge pages', SYS.madvise, [place, end - start, advice], options);
}

/**
 * Backs the dense parts of an area with huge pages, whatever the host's default is: forking a VAS copies page
 * tables, and fewer of them are cheaper. One page is touched in each block, then the blocks are collapsed
 * (madvise(2), MADV_COLLAPSE, Linux 6.1; it leaves no trace in the mapping's flags). If the kernel refuses, small
 * pages do.
 */
function makeHugePages(sequence: Sequence, area: MappedArea): void {
  if (isStash(area) || isAdvised(area, MADV_NOHUGEPAGE)) return;
  const options = { tolerate: true };
  for (const { start, end } of denseBlocks(area, area.runs)) {
    const at = placeOf(area, start);
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

/** What has to be made writable before it is filled. */
function writableParts({ whole, writable }: Stretch): Protection[] {
  return writable.map(({ start, length }) => {
    return { at: placeOf(whole, start), length, bits: PROT_READ_WRITE };
  });
}

/** What has to get the protection that it has in its process. */
function protectedParts(stretch: Stretch): Protection[] {
  const parts: Protection[] = [];
  for (const member of stretch.members) {
    const bits = firstProtection(member.prot);
    const isDone = isStash(member) || bits === protectionInHolder(member, stretch);
    if (!isDone) parts.push(protectionOf(member));
  }
  return parts;
}

/** Kept areas that are made writable for their pages, and then get their protection back. */
function closedParts({ area, runs }: KeptArea): Protection[] {
  const isOpen = isStash(area) || area.prot === PROT_READ_WRITE || runs.length === 0;
  return isOpen ? [] : [protectionOf(area)];
}

function protectionOf({ start, end, place = 0n, prot }: MappedArea): Protection {
  return { at: place, length: end - start, bits: firstProtection(prot) };
}

function planProtections(
  builder: PlanBuilder,
  sequence: Sequence,
  parts: readonly Protection[],
): void {
  if (parts.length === 0) return;
  const rows = new BigUint64Array(parts.length * 3);
  let word = 0;
  for (const { at, length, bits } of parts) {
    rows[word++] = at;
    rows[word++] = length;
    rows[word++] = BITS[bits] ?? 0n;
  }
  const data = builder.data(new Uint8Array(rows.buffer));
  const what = (row: number): string => `protect 0x${parts[row]?.at.toString(16) ?? ''}`;
  sequence.rows({ nr: SYS.mprotect, data, width: 3, what });
}
