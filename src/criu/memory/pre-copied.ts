// SPDX-License-Identifier: Apache-2.0
import { difference, type Difference, type KeptArea } from './difference.js';
import { NO_RUNS, type MappedArea, type MemoryMap } from './memory-map.js';
import { appendRun, union, without, type PageRun } from './page-runs.js';
import { areHeldAlike } from './stretches.js';

/** What a VAS holds of a process that has continued since. */
export interface PreCopied {
  readonly map: MemoryMap;
  /** Pages that are in the VAS as they were when they were last write-protected; in order. */
  readonly fresh: readonly PageRun[];
}

/** What has to be copied again, or for the first time. */
export interface CopyAgain {
  /** With the pages that may have content in the VAS afterwards. */
  readonly map: MemoryMap;
  readonly difference: Difference;
}

/**
 * What remains to be copied of a process that stands still. `clean`: pages that have not changed since they were
 * protected.
 */
export function restOf(
  copied: PreCopied | undefined,
  now: MemoryMap,
  clean: readonly PageRun[],
): Difference {
  const same = without(clean, without(clean, copied?.fresh ?? NO_RUNS));
  const changed = partsOf(
    without(
      now.areas.flatMap(({ runs }) => runs),
      same,
    ),
  );
  return difference(copied?.map.areas ?? [], now.areas, { isLike: stays, changed });
}

/** What is to be copied again of a process whose pages have been written to; the VAS keeps its areas. */
export function again({ map }: PreCopied, written: readonly PageRun[]): CopyAgain {
  const writtenIn = partsOf(written);
  const kept: KeptArea[] = [];
  const areas = map.areas.map((area) => {
    const runs = writtenIn({ start: area.start, length: area.end - area.start });
    if (area.place === undefined || runs.length === 0) return area;
    const grown = { ...area, runs: union(area.runs, runs) };
    kept.push({ area: grown, runs, holes: NO_RUNS });
    return grown;
  });
  return { map: { ...map, areas }, difference: { added: [], kept, vanished: [] } };
}

/**
 * What a VAS holds of a process once the rest has been copied.
 *
 * @param tracked pages that were write-protected before they were copied, and that nobody has written to since
 */
export function allOf(map: MemoryMap, tracked: readonly PageRun[]): PreCopied {
  const runs = map.areas.flatMap((area) => (area.place === undefined ? [] : area.runs));
  return { map, fresh: without(runs, without(runs, tracked)) };
}

/** Finds the parts of runs in ranges, which must be asked for in order of address. */
function partsOf(runs: readonly PageRun[]): (range: PageRun) => PageRun[] {
  let next = 0;
  return ({ start, length }) => {
    const end = start + length;
    const parts: PageRun[] = [];
    while (endOf(runs[next]) <= start && next < runs.length) next++;
    for (let at = next; (runs[at]?.start ?? end) < end; at++) {
      const from = runs[at]?.start ?? start;
      const to = endOf(runs[at]);
      appendRun(parts, from > start ? from : start, to < end ? to : end);
    }
    return parts;
  };
}

function endOf(run: PageRun | undefined): bigint {
  return run ? run.start + run.length : 0n;
}

/** Whether an area is where one of the same form was before: then its pages can be overwritten. */
function stays(area: MappedArea, before: MappedArea): boolean {
  const isPlaced = area.place !== undefined && before.place !== undefined;
  const isThere = isPlaced && area.place - area.start === before.place - before.start;
  return isThere && areHeldAlike(area, before);
}
