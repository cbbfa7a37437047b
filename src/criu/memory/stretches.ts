// SPDX-License-Identifier: Apache-2.0
import {
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_DROPPABLE,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  PROT_READ,
  PROT_READ_WRITE,
} from '../../native/abi/index.js';
import { has, isStash, TRAIT, type MappedArea } from './memory-map.js';
import { firstProtection } from './protection-keys.js';
import { appendRun, type PageRun } from './page-runs.js';

/** Neighbours that a holder maps by one call and fills in the same way. */
export interface Stretch {
  readonly members: readonly MappedArea[];
  /** All of them as one. */
  readonly whole: MappedArea;
  /** Whether to keep no reserve for it (MAP_NORESERVE): its process keeps none. */
  readonly isUnreserved: boolean;
  /** PROT_* bits that the whole is mapped with. */
  readonly mapped: number;
  /** What has to be made writable before it is filled; addresses in the process. */
  readonly writable: readonly PageRun[];
}

/**
 * How much the kernel keeps in reserve for memory. Memory that was never writable gets its reserve when it first
 * becomes so.
 */
type Reserve = 'all' | 'none' | 'none yet';

/** What fill-plan.ts looks at in an area, besides the reserve: of its protection, only whether it can be read. */
const FLAGS = MAP_GROWSDOWN | MAP_DROPPABLE;
const ADVICE = (1 << MADV_HUGEPAGE) | (1 << MADV_NOHUGEPAGE);

/** PROT_* bits that a member of a stretch has once it is filled. */
export function protectionInHolder(member: MappedArea, { mapped }: Stretch): number {
  return reserveOf(member) === 'all' ? PROT_READ_WRITE : mapped;
}

/**
 * Joins neighbours that a holder maps and fills in the same way, whatever their protection is: a process may have
 * tens of thousands of them that differ in nothing else.
 */
export function stretches(areas: readonly MappedArea[]): Stretch[] {
  const joined: Stretch[] = [];
  for (let next = 0; next < areas.length;) {
    let end = next + 1;
    while (end < areas.length && areAlike(areas[end - 1], areas[end])) end++;
    joined.push(join(areas.slice(next, end)));
    next = end;
  }
  return joined;
}

function join(members: readonly MappedArea[]): Stretch {
  const whole = joinAreas(members);
  const isUnreserved = members.some(lacksReserve);
  const unwritable = members.find((area) => reserveOf(area) === 'none yet');
  if (!unwritable) return { members, whole, isUnreserved, mapped: PROT_READ_WRITE, writable: [] };
  const writable: PageRun[] = [];
  for (const area of members) {
    if (reserveOf(area) === 'all') appendRun(writable, area.start, area.end);
  }
  return { members, whole, isUnreserved, mapped: firstProtection(unwritable.prot), writable };
}

function joinAreas(members: readonly MappedArea[]): MappedArea {
  const [first] = members as readonly [MappedArea, ...MappedArea[]];
  if (members.length === 1) return first;
  const runs: PageRun[] = [];
  for (const area of members) {
    for (const { start, length } of area.runs) appendRun(runs, start, start + length);
  }
  return { ...first, end: members.at(-1)?.end ?? first.end, runs };
}

function areAlike(a: MappedArea | undefined, b: MappedArea | undefined): boolean {
  if (a?.kind !== 'anonymous' || b?.kind !== 'anonymous') return false;
  return a.end === b.start && isPlacedBehind(a, b) && areFilledAlike(a, b);
}

function isPlacedBehind(a: MappedArea, b: MappedArea): boolean {
  if (a.place === a.start) return b.place === b.start;
  const { start, end, place = 0n } = a;
  return b.place === place + (end - start);
}

function areFilledAlike(a: MappedArea, b: MappedArea): boolean {
  const differing =
    ((a.prot ^ b.prot) & PROT_READ) |
    ((a.flags ^ b.flags) & FLAGS) |
    ((a.advice ^ b.advice) & ADVICE) |
    ((a.traits ^ b.traits) & TRAIT.hugePages);
  return differing === 0 && isStash(a) === isStash(b) && lacksReserve(a) === lacksReserve(b);
}

/** Whether a holder has two areas in the same way, with the same protection, whatever their pages are. */
export function areHeldAlike(a: MappedArea, b: MappedArea): boolean {
  const differing =
    (a.prot ^ b.prot) | ((a.flags ^ b.flags) & FLAGS) | ((a.advice ^ b.advice) & ADVICE);
  const isAlike = differing === 0 && a.kind === b.kind && isStash(a) === isStash(b);
  return isAlike && reserveOf(a) === reserveOf(b);
}

function lacksReserve(area: MappedArea): boolean {
  return reserveOf(area) === 'none';
}

function reserveOf(area: MappedArea): Reserve {
  if (isStash(area) || (area.flags & MAP_NORESERVE) !== 0) return 'none';
  if (has(area, 'accounted')) return 'all';
  return area.runs.length > 0 ? 'none' : 'none yet';
}
