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

/** Size of the kernel's `struct anon_vma_chain`. */
const RECORD_BYTES = 64n;

/** A process that has called execve(2) since usually has the vDSO elsewhere, and shares nothing. */
export function mayInherit(heir: MemoryMap, forker: MemoryMap): boolean {
  const [ours, theirs] = [heir, forker].map(({ areas }) => {
    return areas.find(({ kind }) => kind === 'vdso')?.start;
  });
  return ours === theirs;
}

/** A process's memory without what it inherits. */
export interface Inherited {
  readonly map: MemoryMap;
  /** How many forks in a row have passed on each area that is inherited; by areas of the whole map. */
  readonly forks: ReadonlyMap<MappedArea, number>;
}

/**
 * What a process has in addition to the memory it shares with the process that will fork it at a restore: the
 * shared part need not be stored, since the fork shares it again.
 *
 * @param forker the whole memory of that process, and what of it is inherited
 * @param changed pages that the two do not share
 */
export function inherit(
  heir: MemoryMap,
  forker: Inherited,
  changed: Comparison['changed'],
): Inherited {
  const bases = forker.map.areas.filter(mayPassOn);
  const { kept } = difference(bases, heir.areas, { isLike, changed });
  const inherited = new Map<MappedArea, KeptArea>();
  const forks = new Map<MappedArea, number>();
  let next = 0;
  for (const one of kept) {
    const { area } = one;
    while ((bases[next]?.end ?? area.end) <= area.start) next++;
    const base = bases[next];
    const count = ((base && forker.forks.get(base)) ?? 0) + 1;
    if (!isWorth(one, count)) continue;
    inherited.set(area, one);
    forks.set(area, count);
  }
  const areas = heir.areas.map((area) => {
    const one = inherited.get(area);
    return one ? { ...area, runs: one.runs, holes: one.holes } : area;
  });
  return { map: { ...heir, areas }, forks };
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
 *
 * The kernel has a record of each process above that still maps what a fork has passed on (anon_vma_clone in mm/rmap.c),
 * and each fork makes all of them anew: n forks in a row cost n²/2 records. Storing the whole ends the row, and costs the
 * shared pages once. So a row is least dear where its records take as much as these pages.
 */
function isWorth({ area, runs }: KeptArea, forks: number): boolean {
  const [own, all] = [totalBytes(runs), totalBytes(area.runs)];
  return own * 2n <= all && BigInt(forks) ** 2n * RECORD_BYTES <= 2n * (all - own);
}
