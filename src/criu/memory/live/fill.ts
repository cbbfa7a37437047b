// SPDX-License-Identifier: Apache-2.0
import { PlanBuilder } from '../../plan/builder.js';
import type { HolderClient } from '../../vas/holder-client.js';
import { fromNothing, type Difference } from '../difference.js';
import { planFill, planFillShared } from '../fill-plan.js';
import type { MemoryMap, SharedObject } from '../memory-map.js';
import type { Pages } from '../pages.js';

/** Most descriptors that go along with one plan, besides one or two. */
export const FDS_AT_ONCE = 200;
/** Most memory copied by one plan: this many processes, and mappings if there is more than one process. */
const PROCESSES_AT_ONCE = 64;
const AREAS_AT_ONCE = 4096;

/** How memory gets into a holder. */
export interface Filling {
  /** Where a plan pulls the memory of a process from. */
  readonly pagesOf: (map: MemoryMap, builder: PlanBuilder) => Pages;
  /** What is not in the holder yet; by default, everything. */
  readonly differenceOf?: (map: MemoryMap) => Difference;
}

/** Copies memory of processes into the holder. */
export async function fillMaps(
  holder: HolderClient,
  base: bigint,
  maps: readonly MemoryMap[],
  { pagesOf, differenceOf = ({ areas }) => fromNothing(areas) }: Filling,
): Promise<void> {
  for (const some of portions(maps)) {
    const builder = new PlanBuilder();
    const opened: Pages[] = [];
    try {
      // The sequences follow one another in the plan, so each continues with the next.
      const sequences = some.map((map) => {
        const pages = pagesOf(map, builder);
        opened.push(pages);
        const planned = { pages, source: builder.slot() };
        return planFill(builder, map.label, differenceOf(map), planned);
      });
      sequences.at(-1)?.end();
      const files = opened.map(({ fd }) => fd);
      await holder.run(builder.finish(), base, sequences[0]?.offset ?? 0, files);
    } finally {
      for (const pages of opened) pages.close();
    }
  }
}

/** Processes whose memory is copied by one plan. */
function portions(maps: readonly MemoryMap[]): MemoryMap[][] {
  const result: MemoryMap[][] = [];
  let areas = 0;
  for (const map of maps) {
    areas += map.areas.length;
    const last = result.at(-1);
    if (last && last.length < PROCESSES_AT_ONCE && areas <= AREAS_AT_ONCE) {
      last.push(map);
      continue;
    }
    result.push([map]);
    areas = map.areas.length;
  }
  return result;
}

/** Copies shared objects into the holder. */
export async function fillShared(
  holder: HolderClient,
  base: bigint,
  objects: readonly SharedObject[],
  pagesOf: (object: SharedObject) => Pages,
): Promise<void> {
  for (let first = 0; first < objects.length; first += FDS_AT_ONCE) {
    const builder = new PlanBuilder();
    const opened: Pages[] = [];
    const sequence = builder.sequence('shared memory');
    try {
      for (const object of objects.slice(first, first + FDS_AT_ONCE)) {
        const pages = pagesOf(object);
        opened.push(pages);
        planFillShared(sequence, object, { pages, source: builder.slot(), builder });
      }
      sequence.end();
      const files = opened.map(({ fd }) => fd);
      await holder.run(builder.finish(), base, sequence.offset, files);
    } finally {
      for (const pages of opened) pages.close();
    }
  }
}
