// SPDX-License-Identifier: Apache-2.0
import type { MappedArea } from './memory-map.js';
import { within, without, type PageRun } from './page-runs.js';
import { subtract, type Range } from './ranges.js';

/** How areas are compared with those that were there before. */
export interface Comparison {
  /** Whether an area can start from one that had all of its addresses. */
  readonly isLike: (area: MappedArea, before: MappedArea) => boolean;
  /** Pages of a run that may have changed; in order. */
  readonly changed: (run: PageRun) => readonly PageRun[];
}

/** An area that starts from one that was there before. */
export interface KeptArea {
  readonly area: MappedArea;
  /** Its pages with content that have changed. */
  readonly runs: readonly PageRun[];
  /** Pages that had content and have none now. */
  readonly holes: readonly PageRun[];
}

/** The part of the earlier areas that none of the kept areas covers, and where it was in the VAS. */
export interface Vanished extends Range, Pick<MappedArea, 'place'> {}

/** What turns one state of memory into another. */
export interface Difference {
  /** New areas, with all of their pages. */
  readonly added: readonly MappedArea[];
  readonly kept: readonly KeptArea[];
  readonly vanished: readonly Vanished[];
}

/** The difference from nothing. */
export function fromNothing(areas: readonly MappedArea[]): Difference {
  return { added: areas, kept: [], vanished: [] };
}

/** Compares areas; both lists are in order of address. */
export function difference(
  previous: readonly MappedArea[],
  next: readonly MappedArea[],
  { isLike, changed }: Comparison,
): Difference {
  const added: MappedArea[] = [];
  const kept: KeptArea[] = [];
  let at = 0;
  for (const area of next) {
    while ((previous[at]?.end ?? area.end) <= area.start) at++;
    const before = previous[at];
    if (before && isPart(area, before) && isLike(area, before)) {
      const runs = area.runs.flatMap(changed);
      const holes = without(within(before.runs, area), area.runs);
      kept.push({ area, runs, holes });
    } else {
      added.push(area);
    }
  }
  return { added, kept, vanished: vanishedOf(previous, kept) };
}

function vanishedOf(previous: readonly MappedArea[], kept: readonly KeptArea[]): Vanished[] {
  const stay = kept.map(({ area }) => area);
  let at = 0;
  return subtract(previous, stay).map(({ start, end }) => {
    while ((previous[at]?.end ?? end) <= start) at++;
    const area = previous[at];
    const isPlaced = area?.place !== undefined;
    return { start, end, place: isPlaced ? area.place + (start - area.start) : undefined };
  });
}

function isPart(area: Range, of: Range): boolean {
  return of.start <= area.start && area.end <= of.end;
}
