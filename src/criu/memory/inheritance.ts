// SPDX-License-Identifier: Apache-2.0
import {
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  PROT_EXEC,
  PROT_READ_WRITE,
} from '../../native/abi/index.js';
import { difference, type Comparison, type KeptArea } from './difference.js';
import { TRAIT, type MappedArea, type MemoryMap } from './memory-map.js';
import { totalBytes } from './page-runs.js';

/** Properties that a mapping has from the start of a restore on: heir and forker have to agree on them. */
const EARLY_FLAGS = MAP_GROWSDOWN | MAP_NORESERVE;
const EARLY_ADVICE = (1 << MADV_HUGEPAGE) | (1 << MADV_NOHUGEPAGE);

/** A process that has called execve(2) since usually has the vDSO elsewhere, and shares nothing. */
export function mayInherit(heir: MemoryMap, forker: MemoryMap): boolean {
  const [ours, theirs] = [heir, forker].map(({ areas }) => {
    return areas.find(({ kind }) => kind === 'vdso')?.start;
  });
  return ours === theirs;
}

/**
 * What a process has in addition to the memory it shares with the process that will fork it at a restore: the
 * shared part need not be stored, since the fork shares it again.
 *
 * @param changed pages that the two do not share
 */
export function inherit(
  heir: MemoryMap,
  forker: MemoryMap,
  changed: Comparison['changed'],
): MemoryMap {
  const { kept } = difference(forker.areas.filter(mayPassOn), heir.areas, { isLike, changed });
  const inherited = new Map(kept.filter(isWorth).map((one) => [one.area, one]));
  const areas = heir.areas.map((area) => {
    const one = inherited.get(area);
    return one ? { ...area, runs: one.runs, holes: one.holes } : area;
  });
  return { ...heir, areas };
}

/** Differences are written over the inherited memory. */
function mayPassOn({ kind, prot, runs }: MappedArea): boolean {
  const isWritable = (prot & PROT_READ_WRITE) === PROT_READ_WRITE;
  return kind === 'anonymous' && isWritable && runs.length > 0;
}

function isLike(area: MappedArea, before: MappedArea): boolean {
  if (!mayPassOn(area)) return false;
  const differing =
    ((area.flags ^ before.flags) & EARLY_FLAGS) |
    ((area.advice ^ before.advice) & EARLY_ADVICE) |
    ((area.traits ^ before.traits) & TRAIT.accounted) |
    ((area.prot ^ before.prot) & PROT_EXEC);
  return differing === 0;
}

/**
 * If less than half would be inherited, the whole is stored: what differs would have to be copied at every restore.
 */
function isWorth({ area, runs }: KeptArea): boolean {
  return totalBytes(runs) * 2n <= totalBytes(area.runs);
}
