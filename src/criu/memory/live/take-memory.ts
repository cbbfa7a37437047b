// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { NsPid } from '../../../common/ids.js';
import { maxMapCount } from '../../tracee/address-limits.js';
import { countPlaced, layOut, placeMap, type Layout } from '../layout.js';
import type { MemoryMap, SharedObject } from '../memory-map.js';
import { findPages } from './page-finder.js';
import { inheritAll, type Owner } from './same-pages.js';
import { findShared } from './shared-objects.js';

/** The memory of a container, and where in a VAS it lies. */
export interface PlacedMemory {
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly SharedObject[];
  readonly layout: Layout;
}

/** Mappings of a holder and a restorer itself, and a few to spare. */
const OURS = 64;

/**
 * Finds what is stored of the memory of stopped processes, and places it.
 *
 * @param owners with areas whose pages are not known yet
 * @param forkers who forks each at a restore, by container pids
 * @throws ShimError `failedPrecondition` when there is no room
 */
export function takeMemory(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
): PlacedMemory {
  const found = owners.map(({ process, map }) => ({ process, map: findPages(process, map) }));
  const maps = inheritAll(found, forkers);
  checkCount(maps);
  const shared = findShared(owners);
  const layout = layOut({ maps, shared });
  return {
    maps: maps.map((map) => placeMap(map, layout)),
    shared: shared.map((object) => {
      return { ...object, place: layout.shared.get(object.id)?.place ?? 0n };
    }),
    layout,
  };
}

/** The holder has the stored mappings of all processes, and must be allowed to. */
function checkCount(maps: readonly MemoryMap[]): void {
  const count = maps.reduce((sum, map) => sum + countPlaced(map), 0);
  const most = maxMapCount();
  if (count + OURS <= most) return;
  const [largest] = [...maps].sort((a, b) => b.areas.length - a.areas.length);
  const who = `${largest?.label ?? ''} has ${String(largest?.areas.length ?? 0)} mappings`;
  const all = `the memory of the container has ${String(count)}`;
  const limit = `the host's limit vm.max_map_count is ${String(most)}`;
  const message = `${who}: ${all}, and ${limit}; remedy: raise that`;
  throw new ShimError('failedPrecondition', message);
}
