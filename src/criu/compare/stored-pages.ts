// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import type { MappedArea, SharedObject } from '../memory/memory-map.js';
import type { ImageMemory } from '../memory/of-image.js';
import { within, without, type PageRun } from '../memory/page-runs.js';
import type { Range } from '../memory/ranges.js';

/** Pages that a VAS has of a process: their addresses in that, and in the holder. */
export interface StoredRun extends PageRun {
  readonly place: bigint;
}

/** What {@link storedPages} knows. */
export interface StoredMemory {
  readonly memory: ImageMemory;
  /** The process that forks each process at a restore. */
  readonly forkers: ReadonlyMap<NsPid, NsPid>;
  /** The pages of a range of the holder that are there. */
  readonly present: (range: Range) => readonly PageRun[];
}

/** All pages with content of one process of a checkpoint, in order of address. */
export function storedPages(of: StoredMemory, pid: NsPid): readonly StoredRun[] {
  const areas = of.memory.maps.get(pid)?.areas ?? [];
  const objects = new Map(of.memory.shared.map((object) => [object.id, object]));
  const forker = areas.some(({ holes }) => holes) ? of.forkers.get(pid) : undefined;
  const inherited = forker === undefined ? [] : storedPages(of, forker);
  return areas.flatMap((area) => {
    if (area.kind === 'anonymous-shared') return sharedPages(area, objects.get(area.object));
    const own = ownPages(area, of.present);
    return area.holes ? [...own, ...heirlooms(area, inherited)].sort(byAddress) : own;
  });
}

/** An image tells pages only of what is laid over something else. */
function ownPages(area: MappedArea, present: StoredMemory['present']): StoredRun[] {
  const { start, end, place, kind, runs, holes } = area;
  if (place === undefined) return [];
  if (kind === 'file-private' || holes) {
    return runs.map((run) => ({ ...run, place: place + (run.start - start) }));
  }
  return present({ start: place, end: place + (end - start) }).map((run) => {
    return { start: start + (run.start - place), length: run.length, place: run.start };
  });
}

function sharedPages({ start, end, offset }: MappedArea, object?: SharedObject): StoredRun[] {
  if (!object) return [];
  const mapped = { start: offset, end: offset + (end - start) };
  return within(object.runs, mapped).map((run) => {
    return {
      start: start + (run.start - offset),
      length: run.length,
      place: object.place + run.start,
    };
  });
}

/** What a process still has of its forker's pages. */
function heirlooms(area: MappedArea, inherited: readonly StoredRun[]): StoredRun[] {
  const { runs, holes = [] } = area;
  return inherited.flatMap((theirs) => {
    const left = without(without(within([theirs], area), runs), holes);
    return left.map((run) => ({ ...run, place: theirs.place + (run.start - theirs.start) }));
  });
}

function byAddress(a: PageRun, b: PageRun): number {
  return a.start < b.start ? -1 : 1;
}
