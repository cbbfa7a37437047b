// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { WORK } from '../plan/abi.js';
import {
  describeArea,
  isStash,
  type FoundObject,
  type MappedArea,
  type MemoryMap,
} from './memory-map.js';
import { findHole, Park, type Parkable, type ParkedRange } from './park.js';
import { subtract, type Range } from './ranges.js';

/*
 * Where things lie in a VAS:
 *
 *     ...  memory of the container's init, at its own addresses
 *     base        the holder's own range (WORK.size)
 *     park        everything that waits to be put in place at restore: memory of the other processes,
 *                 shared memory, dirty pages of private file mappings
 *     ...  memory of the container's init
 *
 * The holder's range and the park lie where no process of the container has anything.
 */

/** What lies where in a VAS. A value: it can be stored, and a VAS forked from this one inherits it. */
export interface Layout {
  /** Where the holder's own range begins. */
  readonly base: bigint;
  /** Where the park ends. */
  readonly end: bigint;
  /** Memory in the park, by container pid; in order of address, without overlaps. */
  readonly parked: ReadonlyMap<number, readonly ParkedRange[]>;
  /** Places of shared objects, by their ids; a place has room for twice their reach. */
  readonly shared: ReadonlyMap<bigint, ParkedRange>;
}

/** Memory to be laid out. */
export interface Unplaced {
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly FoundObject[];
}

const INIT = 1;

/**
 * Decides where memory lies. What has a place in `previous` keeps it, new areas come behind everything that has
 * been there, and places that are no longer needed are left out. If a process now has something in the way, nothing
 * is inherited: the layout then has another base.
 *
 * @throws ShimError `failedPrecondition` if there is no room
 */
export function layOut(memory: Unplaced, previous?: Layout): Layout {
  const taken = memory.maps.flatMap(({ areas }) => areas);
  const inherited = previous && arrange(memory, previous);
  if (inherited && isFree(inherited, taken)) return inherited;
  const size = arrange(memory, emptyAt(0n)).end;
  const base = findHole(taken, size) ?? refuse(memory, size);
  return arrange(memory, emptyAt(base));
}

/** The memory of a process, at its places in a layout. */
export function placeMap(map: MemoryMap, { parked }: Pick<Layout, 'parked'>): MemoryMap {
  const isInit = map.pid === INIT;
  const placeOf = placeFinder(parked.get(map.pid) ?? []);
  const areas = map.areas.map((area) => {
    if (isInit && area.kind === 'anonymous') return { ...area, place: area.start };
    return isParked(area, isInit) ? { ...area, place: placeOf(area) } : area;
  });
  return { ...map, areas };
}

/** How many mappings of a process a VAS has. */
export function countPlaced({ pid, areas }: MemoryMap): number {
  return pid === INIT ? areas.length : areas.filter((area) => isParked(area, false)).length;
}

/**
 * Anonymous memory of the init stays in place. Areas with nothing stored are created anew, however large they are.
 */
function isParked({ kind, runs }: MappedArea, isInit: boolean): boolean {
  return runs.length > 0 && (kind === 'file-private' || !isInit);
}

function emptyAt(base: bigint): Layout {
  return { base, end: base + WORK.size, parked: new Map(), shared: new Map() };
}

/** Whether no process has anything in the holder's range or in the park. */
function isFree({ base, end }: Layout, taken: readonly Range[]): boolean {
  return taken.every((area) => area.end <= base || area.start >= end);
}

function arrange({ maps, shared }: Unplaced, before: Layout): Layout {
  const park = new Park(before.end);
  const objects = shared.map(({ id, reach }): [bigint, ParkedRange] => {
    const [range, old] = [{ start: 0n, end: 2n * reach }, before.shared.get(id)];
    return [id, old && old.end >= range.end ? old : { ...range, place: park.place(range) }];
  });
  const parked = maps.map((map): [number, ParkedRange[]] => {
    const wanted = map.areas.filter((area) => isParked(area, map.pid === INIT));
    return [map.pid, parkAreas(wanted, before.parked.get(map.pid) ?? [], park)];
  });
  const parts = { parked: new Map(parked), shared: new Map(objects) };
  return { base: before.base, end: park.end, ...parts };
}

function parkAreas(
  wanted: readonly MappedArea[],
  before: readonly ParkedRange[],
  park: Park,
): ParkedRange[] {
  const placeOf = placeFinder(before);
  const fresh = wanted.filter((area) => placeOf(area) === undefined);
  const added = park.placeAll(fresh.map(withGrowth));
  if (before.length === 0) return added;
  return [...stillHeld(before, added, wanted), ...added].sort((a, b) =>
    a.start < b.start ? -1 : 1,
  );
}

/** Only a stack that is moved to its process grows. */
function withGrowth(area: MappedArea): Parkable {
  const { start, end, flags } = area;
  return isStash(area) ? { start, end } : { start, end, flags };
}

/** The parts of some ranges that lie outside of others and contain any of the areas. */
function stillHeld(
  before: readonly ParkedRange[],
  added: readonly Range[],
  wanted: readonly Range[],
): ParkedRange[] {
  const placeOf = placeFinder(before);
  let next = 0;
  return subtract(before, added).flatMap((range) => {
    const place = placeOf(range);
    while ((wanted[next]?.end ?? range.end) <= range.start) next++;
    const isHeld = (wanted[next]?.start ?? range.end) < range.end;
    return isHeld && place !== undefined ? [{ ...range, place }] : [];
  });
}

/** Finds the places of ranges, which must be asked for in order of address. */
function placeFinder(parked: readonly ParkedRange[]): (range: Range) => bigint | undefined {
  let next = 0;
  return ({ start, end }) => {
    while ((parked[next]?.end ?? end) <= start) next++;
    const found = parked[next];
    if (!found || found.start > start || found.end < end) return undefined;
    return found.place + (start - found.start);
  };
}

function refuse({ maps }: Unplaced, size: bigint): never {
  const parked = maps.flatMap(({ pid, label, areas }) =>
    areas.filter((area) => isParked(area, pid === INIT)).map((area) => ({ label, area })),
  );
  const [largest] = parked.sort((a, b) => (sizeOf(a.area) > sizeOf(b.area) ? -1 : 1));
  const who = largest && `${largest.label} ${describeArea(largest.area)}: `;
  const room = `the processes leave no room for ${String(size >> 30n)} GiB of free addresses`;
  const why = largest && `, of which this takes ${String(sizeOf(largest.area) >> 30n)}`;
  const remedy = 'remedy: reserve less';
  throw new ShimError('failedPrecondition', `${who ?? ''}${room}${why ?? ''}; ${remedy}`);
}

function sizeOf({ start, end }: Range): bigint {
  return end - start;
}
