// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { WORK } from '../plan/abi.js';
import { maxMapCount } from '../tracee/address-limits.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { describeArea, type Area } from './area.js';
import { findHole, Park, type Range } from './layout.js';
import { inheritAll } from './inheritance.js';
import { findPages, type FoundArea } from './page-finder.js';
import { findShared, type FoundObject } from './shared-objects.js';
import type { ProcessMemory, SharedObject, StoredArea } from './snapshot.js';

/** The memory of a container, and where in the VAS it lies. */
export interface Placement {
  /** Where the holder's own range begins. */
  readonly base: bigint;
  readonly memories: readonly ProcessMemory[];
  readonly shared: readonly SharedObject[];
}

/** Mappings of a holder and a restorer itself, and a few to spare. */
const OURS = 64;

/** A process and what it maps. */
interface Mapped<Kind extends Area> {
  readonly process: TracedProcess;
  readonly areas: readonly Kind[];
}

/**
 * Finds what is stored of the memory of stopped processes, and places it.
 *
 * @param areasOf what they map, by host pid
 * @param forkers who forks each at a restore, by container pids
 * @throws ShimError `failedPrecondition` when there is no room
 */
export function placeAll(
  processes: readonly TracedProcess[],
  areasOf: ReadonlyMap<number, readonly Area[]>,
  forkers: ReadonlyMap<number, number>,
): Placement {
  const mapped = processes.map((process) => ({ process, areas: areasOf.get(process.pid) ?? [] }));
  const found = inheritAll(
    mapped.map(({ process, areas }) => ({ process, areas: findPages(process, areas) })),
    forkers,
  );
  checkCount(found);
  const shared = findShared(mapped);
  const size = layOut(found, shared, new Park(0n)).end;
  const taken = mapped.flatMap(({ areas }) => areas.map(({ vma }) => vma));
  const base = findHole(taken, WORK.size + size) ?? refuse(found, size);
  return { base, ...layOut(found, shared, new Park(base + WORK.size)) };
}

/** The holder has the stored mappings of all processes, and must be allowed to. */
function checkCount(found: readonly Mapped<FoundArea>[]): void {
  const stored = found.map(({ process, areas }) =>
    process.nsPid === 1 ? areas : areas.filter((area) => isParked(area, false)),
  );
  const count = stored.reduce((sum, areas) => sum + areas.length, 0);
  const most = maxMapCount();
  if (count + OURS <= most) return;
  const [largest] = [...found].sort((a, b) => b.areas.length - a.areas.length);
  const who = `${largest?.process.label ?? ''} has ${String(largest?.areas.length ?? 0)} mappings`;
  const all = `the memory of the container has ${String(count)}`;
  const limit = `the host's limit vm.max_map_count is ${String(most)}`;
  const message = `${who}: ${all}, and ${limit}; remedy: raise that`;
  throw new ShimError('failedPrecondition', message);
}

/** Says where everything goes when the park begins at a place, and where the park ends. */
function layOut(
  found: readonly Mapped<FoundArea>[],
  objects: readonly FoundObject[],
  park: Park,
): Omit<Placement, 'base'> & { readonly end: bigint } {
  const shared = objects.map((object) => {
    return { ...object, place: park.place({ start: 0n, end: 2n * object.reach }) };
  });
  const memories = found.map(({ process, areas }) => {
    return { process, areas: placeAreas(areas, process.nsPid === 1, park) };
  });
  return { shared, memories, end: park.end };
}

/** The init's own anonymous memory stays in place. */
function placeAreas(areas: readonly FoundArea[], isInit: boolean, park: Park): StoredArea[] {
  const parked = areas.filter((area) => isParked(area, isInit));
  const places = new Map(
    park.placeAll(parked.map(({ vma }) => vma)).map((place, index) => [parked[index], place]),
  );
  return areas.map((area) => {
    const { vma, kind, runs, guards, holes } = area;
    const place = isInit && kind === 'anonymous' ? vma.start : places.get(area);
    return { vma, kind, runs, guards, holes, place };
  });
}

/** What has nothing stored is made anew at a restore, however large it is. */
function isParked({ kind, runs }: FoundArea, isInit: boolean): boolean {
  return runs.length > 0 && (kind === 'file-private' || !isInit);
}

function refuse(found: readonly Mapped<FoundArea>[], size: bigint): never {
  const parked = found.flatMap(({ process, areas }) =>
    areas
      .filter((area) => isParked(area, process.nsPid === 1))
      .map(({ vma }) => ({ process, vma })),
  );
  const [largest] = parked.sort((a, b) => (sizeOf(a.vma) > sizeOf(b.vma) ? -1 : 1));
  const who = largest && `${largest.process.label} ${describeArea(largest.vma)}: `;
  const room = `the processes leave no room for ${String((size + WORK.size) >> 30n)} GiB of free addresses`;
  const why = largest && `, of which this takes ${String(sizeOf(largest.vma) >> 30n)}`;
  const remedy = 'remedy: reserve less';
  throw new ShimError('failedPrecondition', `${who ?? ''}${room}${why ?? ''}; ${remedy}`);
}

function sizeOf({ start, end }: Range): bigint {
  return end - start;
}
