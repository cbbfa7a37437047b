// SPDX-License-Identifier: Apache-2.0
import { PROT_READ_WRITE } from '../../native/abi/index.js';
import { protection } from './area.js';
import { appendRun, type PageRun } from './page-runs.js';
import { isStash, type StoredArea } from './snapshot.js';

/** Neighbours that a holder maps by one call, and fills alike. */
export interface Stretch {
  readonly members: readonly StoredArea[];
  /** All of them as one. */
  readonly whole: StoredArea;
  /** Nothing is to be kept in reserve for it (MAP_NORESERVE): nothing is in its process. */
  readonly isUnreserved: boolean;
  /** PROT_* bits that the whole is mapped with. */
  readonly mapped: number;
  /** What of it is to be made writable before it is filled; addresses in the process. */
  readonly writable: readonly PageRun[];
}

/** What the kernel keeps in reserve for memory. What could never be written gets its reserve when it first can. */
type Reserve = 'all' | 'none' | 'none yet';

/** PROT_* bits that a member of a stretch has when it is filled. */
export function protectionInHolder(member: StoredArea, { mapped }: Stretch): number {
  return reserveOf(member) === 'all' ? PROT_READ_WRITE : mapped;
}

/**
 * Joins neighbours that a holder maps and fills alike, whatever their protection: a process may have tens of
 * thousands of them, which differ in nothing else.
 */
export function stretches(areas: readonly StoredArea[]): Stretch[] {
  const joined: Stretch[] = [];
  for (let next = 0; next < areas.length;) {
    let end = next + 1;
    while (end < areas.length && areAlike(areas[end - 1], areas[end])) end++;
    joined.push(join(areas.slice(next, end)));
    next = end;
  }
  return joined;
}

function join(members: readonly StoredArea[]): Stretch {
  const whole = joinAreas(members);
  const isUnreserved = members.some(lacksReserve);
  const unwritable = members.find((area) => reserveOf(area) === 'none yet');
  if (!unwritable) return { members, whole, isUnreserved, mapped: PROT_READ_WRITE, writable: [] };
  const writable: PageRun[] = [];
  for (const area of members) {
    if (reserveOf(area) === 'all') appendRun(writable, area.vma.start, area.vma.end);
  }
  return { members, whole, isUnreserved, mapped: protection(unwritable.vma), writable };
}

function joinAreas(members: readonly StoredArea[]): StoredArea {
  const [first, ...rest] = members as readonly [StoredArea, ...StoredArea[]];
  if (rest.length === 0) return first;
  const runs: PageRun[] = [];
  for (const area of members) {
    for (const { start, length } of area.runs) appendRun(runs, start, start + length);
  }
  return { ...first, vma: { ...first.vma, end: members.at(-1)?.vma.end ?? first.vma.end }, runs };
}

function areAlike(a: StoredArea | undefined, b: StoredArea | undefined): boolean {
  if (a?.kind !== 'anonymous' || b?.kind !== 'anonymous') return false;
  return a.vma.end === b.vma.start && distance(a) === distance(b) && traits(a) === traits(b);
}

function distance({ vma, place = 0n }: StoredArea): bigint {
  return place - vma.start;
}

/** Whatever fill.ts looks at, but the protection. */
function traits(area: StoredArea): number {
  const { read, anonHugePages, vmFlags } = area.vma;
  return (
    Number(read) |
    (Number(anonHugePages > 0) << 1) |
    (Number(isStash(area)) << 2) |
    (Number(lacksReserve(area)) << 3) |
    (Number(vmFlags.has('gd')) << 4) |
    (Number(vmFlags.has('dp')) << 5) |
    (Number(vmFlags.has('hg')) << 6) |
    (Number(vmFlags.has('nh')) << 7)
  );
}

function lacksReserve(area: StoredArea): boolean {
  return reserveOf(area) === 'none';
}

function reserveOf(area: StoredArea): Reserve {
  const { vmFlags } = area.vma;
  if (isStash(area) || vmFlags.has('nr')) return 'none';
  if (vmFlags.has('ac')) return 'all';
  return area.runs.length > 0 ? 'none' : 'none yet';
}
