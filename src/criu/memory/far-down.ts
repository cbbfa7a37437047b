// SPDX-License-Identifier: Apache-2.0
import { MAP_DROPPABLE, MAP_NORESERVE, PROT_READ_WRITE } from '../../native/abi/index.js';
import { has, TRAIT, type MappedArea, type MemoryMap } from './memory-map.js';

/** How many forks down a process takes its memory along. What is forked further down reads it instead. */
const FAR = 16;

/**
 * Marks what a process that so many forks lead to reads at a restore. Forks share memory with the VAS, and each on the way
 * has to copy its page tables, and those of all others further down: for a tree of usual depth that is next to
 * nothing, for a chain it takes the square of its length.
 */
export function readFarDown(map: MemoryMap, forks: number): MemoryMap {
  if (forks < FAR) return map;
  const mark = (area: MappedArea): MappedArea =>
    mayBeRead(area) ? { ...area, traits: area.traits | TRAIT.read } : area;
  return { ...map, areas: map.areas.map(mark) };
}

/** Whether a mapping made anew, to which pages are written, is what it was. */
function mayBeRead(area: MappedArea): boolean {
  const { kind, prot, flags, holes, runs } = area;
  const isOwn = kind === 'anonymous' && holes === undefined && runs.length > 0;
  const isWritable = (prot & PROT_READ_WRITE) === PROT_READ_WRITE && (flags & MAP_DROPPABLE) === 0;
  const isReserved = has(area, 'accounted') || (flags & MAP_NORESERVE) !== 0;
  return isOwn && isWritable && isReserved && !has(area, 'hugePages');
}
