// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { HostPid, NsPid } from '../../../common/ids.js';
import { maxMapCount } from '../../tracee/address-limits.js';
import { countPlaced, layOut, placeMap, type Layout } from '../layout.js';
import type { MemoryMap, SharedObject } from '../memory-map.js';
import type { PageRun } from '../page-runs.js';
import { findPages } from './page-finder.js';
import { inheritAll, type Owner } from './same-pages.js';
import { findShared, type LiveSegment } from './shared-objects.js';

/** The memory of a container, and its places in a VAS. */
export interface PlacedMemory {
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly SharedObject[];
  readonly layout: Layout;
}

/** The same, as it is to be copied while the container stands still. */
export interface TakenMemory extends PlacedMemory {
  /** Pages of each process, by its container's pid, that have not been written to since they were protected. */
  readonly clean: ReadonlyMap<NsPid, readonly PageRun[]>;
}

/** Places in the VAS had to be chosen anew: what has been copied there is useless. */
export class LayoutLost extends ShimError {}

/** What has been copied while the container ran. */
export interface CopiedAhead {
  readonly layout: Layout;
  /** Whether writes to the memory of a process are tracked. */
  readonly tracks: (pid: HostPid) => boolean;
}

/** Memory of stopped processes whose pages are known. */
export interface FoundMemory {
  readonly owners: readonly Owner[];
  /** Without what processes inherit. */
  readonly maps: readonly MemoryMap[];
  readonly clean: TakenMemory['clean'];
  /** What has been copied of it already. */
  readonly ahead: CopiedAhead | undefined;
}

/** What else there is to know for {@link placeMemory}. */
export interface PlaceOptions {
  readonly previous?: Layout | undefined;
  readonly segments?: readonly LiveSegment[] | undefined;
}

/** Mappings of a holder and a restorer themselves, and a few to spare. */
const OURS = 64;

/**
 * Finds what is to be stored of the memory of stopped processes. Makes no remote calls.
 *
 * @param owners processes with areas whose pages are not known yet
 * @param forkers which process forks each at a restore, by container pid
 * @param ahead what has been copied of it already
 */
export function findMemory(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
  ahead?: CopiedAhead,
): FoundMemory {
  const clean = new Map<NsPid, readonly PageRun[]>();
  const found = owners.map(({ process, map }): Owner => {
    const pages = findPages(process, map, ahead?.tracks(process.pid) ?? false);
    clean.set(process.nsPid, pages.clean);
    return { process, map: pages.map };
  });
  return { owners: found, maps: inheritAll(found, forkers), clean, ahead };
}

/**
 * Places memory that has been found.
 *
 * @param segments System V segments of which more is to be known than their mappings tell
 * @throws ShimError `failedPrecondition` if there is no room, LayoutLost
 */
export function takeMemory(
  { owners, maps, clean, ahead }: FoundMemory,
  segments?: readonly LiveSegment[],
): TakenMemory {
  const placed = place(owners, maps, { previous: ahead?.layout, segments });
  if (ahead && placed.layout.base !== ahead.layout.base) throw layoutLost();
  return { ...placed, clean };
}

function layoutLost(): LayoutLost {
  const message =
    'a process has mapped memory where what was copied before has its place; remedy: try again';
  return new LayoutLost('aborted', message);
}

/**
 * Places memory.
 *
 * @param owners stopped processes with areas whose pages are known
 * @param options a layout whose places are kept, and segments as for {@link takeMemory}
 */
export function placeMemory(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
  options: PlaceOptions = {},
): PlacedMemory {
  return place(owners, inheritAll(owners, forkers), options);
}

function place(
  owners: readonly Owner[],
  maps: readonly MemoryMap[],
  { previous, segments }: PlaceOptions,
): PlacedMemory {
  checkCount(maps);
  const shared = findShared(owners, segments);
  const layout = layOut({ maps, shared }, previous);
  return {
    maps: maps.map((map) => placeMap(map, layout)),
    shared: shared.map((object) => {
      return { ...object, place: layout.shared.get(object.id)?.place ?? 0n };
    }),
    layout,
  };
}

/** The holder has the stored mappings of all processes, and the kernel must allow that many. */
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
