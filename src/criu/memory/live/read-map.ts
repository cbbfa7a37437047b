// SPDX-License-Identifier: Apache-2.0
import { readSmaps } from '../../procfs/reader.js';
import { readStillAreas } from './area-flags.js';
import type { SmapsVma } from '../../procfs/smaps.js';
import { NO_RUNS, TRAIT, type MappedArea } from '../memory-map.js';
import { judgeAreas } from './judge.js';
import type { LiveProcess } from './process.js';
import type { Owner } from './same-pages.js';

/** What a process maps, as /proc shows it, and judged. */
export interface ReadMap extends Owner {
  readonly vmas: readonly SmapsVma[];
}

/** VmFlags of memory whose writes are tracked (userfaultfd(2)). */
const TRACKED = 'uw';

/**
 * Reads what a process that stands still maps; which of its pages have content is not known yet.
 *
 * @param isTracked whether we track the process's writes
 * @throws ShimError `failedPrecondition` if something cannot be restored
 */
export function readStillMap(process: LiveProcess, isTracked = false): ReadMap {
  const vmas = readStillAreas(process.pid);
  if (!isTracked) return judge(process, vmas);
  return marked(judge(process, withoutTracking(vmas)), vmas);
}

/** The same of one that runs, and whose writes nobody tracks. */
export function readRunningMap(process: LiveProcess): ReadMap {
  return judge(process, readSmaps(process.pid));
}

/** What processes that map the same share. */
const judged = new WeakMap<readonly SmapsVma[], readonly MappedArea[]>();

function judge(process: LiveProcess, vmas: readonly SmapsVma[]): ReadMap {
  const { nsPid, label } = process;
  const areas = judged.get(vmas) ?? judgeAreas(label, vmas);
  judged.set(vmas, areas);
  return { process, vmas, map: { pid: nsPid, label, areas, guards: NO_RUNS } };
}

/** Marks the areas that are tracked. */
function marked(read: ReadMap, vmas: readonly SmapsVma[]): ReadMap {
  const found = vmas.filter(({ vmFlags }) => vmFlags.has(TRACKED));
  const tracked = new Set(found.map(({ start }) => start));
  const areas = read.map.areas.map((area) => {
    return tracked.has(area.start) ? { ...area, traits: area.traits | TRAIT.tracked } : area;
  });
  return { ...read, map: { ...read.map, areas } };
}

/** Areas as they would be if nothing were tracked. They have few different sets of flags. */
function withoutTracking(vmas: readonly SmapsVma[]): SmapsVma[] {
  const sets = new Map<ReadonlySet<string>, ReadonlySet<string>>();
  return vmas.map((vma) => {
    if (!vma.vmFlags.has(TRACKED)) return vma;
    const without = sets.get(vma.vmFlags) ?? new Set([...vma.vmFlags].filter(isKept));
    sets.set(vma.vmFlags, without);
    return { ...vma, vmFlags: without };
  });
}

function isKept(flag: string): boolean {
  return flag !== TRACKED;
}
