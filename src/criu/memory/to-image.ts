// SPDX-License-Identifier: Apache-2.0
import { O, PAGE } from '../../native/abi/index.js';
import { VMA_STATUS } from '../image/constants.js';
import type { VmaEntry } from '../image/types.js';
import { VmaListMaker, type VmaPart } from '../image/vma-rows.js';
import {
  has,
  isStash,
  segmentOf,
  type MappedArea,
  type MappedFile,
  type MemoryMap,
  type SharedObject,
} from './memory-map.js';
import type { PageRun } from './page-runs.js';
import { STATUS } from './status.js';

/** Makes the entries of an image from the maps of its processes, one after the other. The inverse of mapOf. */
export class EntryMaker {
  readonly #shared: ReadonlyMap<bigint, SharedObject>;
  /** Shared objects that an entry has described. */
  readonly #told = new Set<bigint>();

  constructor(shared: readonly SharedObject[]) {
    this.#shared = new Map(shared.map((object) => [object.id, object]));
  }

  /**
   * The entries of a process's areas, and of its guards behind them.
   *
   * @param fileIdOf the image's id of the file that an area maps
   */
  entriesOf(
    { areas, guards }: MemoryMap,
    fileIdOf: (area: MappedArea, file: MappedFile) => number,
  ): VmaPart[] {
    const list = new VmaListMaker();
    for (const area of areas) {
      if (area.kind === 'vsyscall') continue;
      const object = area.file ? BigInt(fileIdOf(area, area.file)) : area.object;
      const isAdded = isPlain(area) && list.addPlain(area, plainStatusOf(area), object);
      if (!isAdded) list.add(this.#entry(area, object));
    }
    for (const guard of guards) list.add(guardEntry(guard));
    return list.finish();
  }

  #entry(area: MappedArea, object: bigint): VmaEntry {
    const shared = area.kind === 'anonymous-shared' ? this.#shared.get(object) : undefined;
    const told = shared && !this.#told.has(object) ? shared : undefined;
    if (told) this.#told.add(object);
    return {
      start: area.start,
      end: area.end,
      pgoff: area.offset,
      shmid: shmidOf(object),
      prot: area.prot,
      flags: area.flags,
      status: statusOf(area),
      fd: -1n,
      fdflags: has(area, 'readOnly') ? O.rdonly : undefined,
      madv: area.advice === 0 ? undefined : BigInt(area.advice),
      mvas_park: shared ? shared.place : area.place,
      mvas_name: area.name,
      mvas_runs: told ? pairs(told.runs, 0n) : isStash(area) ? pairs(area.runs, area.start) : [],
      mvas_size: told?.size,
      mvas_pkey: keyIn(area),
      mvas_heritage: area.holes && { holes: pairs(area.holes, area.start) },
    };
  }
}

/** Whether it has neither a name nor a key, nor pages that are told, nor a shared object. */
function isPlain(area: MappedArea): boolean {
  const { kind, name, holes, runs } = area;
  if (kind === 'anonymous-shared' || name !== undefined || holes !== undefined) return false;
  if (has(area, 'read') || area.key !== 0) return false;
  return kind !== 'file-private' || runs.length === 0;
}

/** Segments keep their ids. */
function shmidOf(object: bigint): bigint {
  return BigInt(segmentOf(object) ?? object);
}

function keyIn({ key }: MappedArea): number | undefined {
  return key === 0 ? undefined : key;
}

function guardEntry({ start, length }: PageRun): VmaEntry {
  return {
    start,
    end: start + length,
    pgoff: 0n,
    shmid: 0n,
    prot: 0,
    flags: 0,
    status: VMA_STATUS.guard,
    fd: -1n,
    mvas_runs: [],
  };
}

function statusOf(area: MappedArea): number {
  const segment = segmentOf(area.object) === undefined ? 0 : VMA_STATUS.sysvIpc;
  return plainStatusOf(area) | segment;
}

/** That of an area that is no System V segment. */
function plainStatusOf(area: MappedArea): number {
  const heap = has(area, 'heap') ? VMA_STATUS.heap : 0;
  const stack = has(area, 'stack') ? VMA_STATUS.stack : 0;
  return STATUS[area.kind] | heap | stack;
}

/** Pairs of first page and page count, relative to an address. */
export function pairs(runs: readonly PageRun[], from: bigint): bigint[] {
  return runs.flatMap(({ start, length }) => [(start - from) / PAGE, length / PAGE]);
}
