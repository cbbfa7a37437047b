// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { ABSENT } from '../../common/wire/rows.js';
import { INIT, type NsPid } from '../../common/ids.js';
import { MAP_LOCKED, MAP_NORESERVE, O, PAGE, PROT_EXEC } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { VMA_STATUS } from '../image/constants.js';
import type { MmEntry, VmaEntry } from '../image/types.js';
import { CELL, entriesOf, unusualOf, type VmaPart } from '../image/vma-rows.js';
import { processLabel } from '../label.js';
import {
  NO_RUNS,
  objectOfSegment,
  rangeOf,
  TRAIT,
  type AreaKind,
  type MappedArea,
  type MemoryMap,
  type SharedObject,
  wholePages,
} from './memory-map.js';
import type { PageRun } from './page-runs.js';
import { kindOf } from './status.js';

/** The memory of a checkpoint. */
export interface ImageMemory {
  readonly maps: ReadonlyMap<NsPid, ImageMap>;
  readonly shared: readonly SharedObject[];
}

/** What an image says of memory. */
export type DescribedMemory = Pick<CheckpointImage, 'mms' | 'cores' | 'segments'>;

/**
 * The memory of a process of an image. Most areas of PID 1 need nothing at a restore, and there may be tens of thousands
 * of them: they are made of their entries only when all are asked for.
 */
export class ImageMap implements MemoryMap {
  readonly pid: NsPid;
  readonly label: string;
  readonly guards: readonly PageRun[];
  /** Areas that a fork of the holder does not have as they are to be, in order of address. */
  readonly unfinished: readonly MappedArea[];
  readonly #vmas: readonly VmaPart[];
  #areas: readonly MappedArea[] | undefined;

  /** @throws ShimError `dataLoss` for a mapping of no known kind */
  constructor({ pid, label, vmas }: Pick<MemoryMap, 'pid' | 'label'> & Pick<MmEntry, 'vmas'>) {
    this.pid = pid;
    this.label = label;
    const rest = [...(pid === INIT ? unusualOf(vmas, isFinished) : entriesOf(vmas))];
    const guards = rest.filter(isGuard);
    this.guards = guards.map(({ start, end }) => ({ start, length: end - start }));
    this.#vmas = vmas;
    const unfinished = rest.filter((vma) => !isGuard(vma) && !(pid === INIT && liesInPlace(vma)));
    this.unfinished = unfinished.map((vma) => areaOf(label, vma));
  }

  get areas(): readonly MappedArea[] {
    this.#areas ??= [...entriesOf(this.#vmas)]
      .filter((vma) => !isGuard(vma))
      .map((vma) => areaOf(this.label, vma));
    return this.#areas;
  }
}

function isGuard({ status }: VmaEntry): boolean {
  return (status & VMA_STATUS.guard) !== 0;
}

function isShared({ status }: VmaEntry): boolean {
  return (status & (VMA_STATUS.anonShared | VMA_STATUS.guard)) === VMA_STATUS.anonShared;
}

/** Whether memory of PID 1 is in a fork of the holder as it was: in its place, and without name, key, lock and advice. */
function liesInPlace(vma: VmaEntry): boolean {
  if (vma.prot === PROT_EXEC || vma.mvas_park !== vma.start || kindOf(vma.status) !== 'anonymous')
    return false;
  const hasMore = vma.madv ?? vma.mvas_name ?? vma.mvas_pkey ?? vma.mvas_heritage;
  return hasMore === undefined && (vma.flags & MAP_LOCKED) === 0;
}

/** Whether a row is that of a mapping that lies in place, and no guard. */
function isFinished(cells: Float64Array, at: number): boolean {
  const flags = cells[at + CELL.flags] ?? 0;
  const status = cells[at + CELL.status] ?? 0;
  const advice = cells[at + CELL.madv];
  const isInPlace = cells[at + CELL.mvas_park] === cells[at] && cells[at + CELL.prot] !== PROT_EXEC;
  const isPlain =
    (flags & MAP_LOCKED) === 0 && advice === ABSENT && (status & VMA_STATUS.guard) === 0;
  return isInPlace && isPlain && kindOf(status) === 'anonymous';
}

function isOfNoObject(cells: Float64Array, at: number): boolean {
  return ((cells[at + CELL.status] ?? 0) & VMA_STATUS.anonShared) === 0;
}

/**
 * The memory that an image describes. An image does not say which pages of memory have content that forks take along; it
 * does for pages that are copied.
 *
 * @throws ShimError `dataLoss` for a mapping of no known kind, or for shared memory without a place
 */
export function memoryOf({ mms, cores, segments }: DescribedMemory): ImageMemory {
  const maps = new Map<NsPid, ImageMap>();
  const shared = new SharedFinder();
  for (const [pid, { vmas }] of mms) {
    const label = processLabel(pid, cores.get(pid)?.tc?.comm ?? '');
    const map = new ImageMap({ pid, label, vmas });
    for (const vma of unusualOf(vmas, isOfNoObject)) {
      if (isShared(vma)) shared.note(pid, vma);
    }
    maps.set(pid, map);
  }
  return { maps, shared: [...shared.objects(), ...looseObjects(segments)] };
}

function areaOf(label: string, vma: VmaEntry): MappedArea {
  const { start, status } = vma;
  const kind = kindOf(status) ?? badImage(`${label} memory ${rangeOf(vma)} is of no known kind`);
  const isShared = kind === 'anonymous-shared';
  return {
    start,
    end: vma.end,
    kind,
    prot: vma.prot,
    flags: vma.flags,
    advice: vma.madv === undefined ? 0 : Number(BigInt.asUintN(31, vma.madv)),
    key: vma.mvas_pkey ?? 0,
    traits:
      (isSegment(vma) && vma.fdflags === O.rdonly ? TRAIT.readOnly : 0) |
      ((status & VMA_STATUS.heap) === 0 ? 0 : TRAIT.heap) |
      ((status & VMA_STATUS.stack) === 0 ? 0 : TRAIT.stack) |
      (isRead(vma, kind) ? TRAIT.read : 0),
    offset: vma.pgoff,
    object: objectOf(vma),
    file: undefined,
    name: vma.mvas_name,
    runs: isShared ? NO_RUNS : runsOf(vma.mvas_runs, start),
    holes: vma.mvas_heritage && runsOf(vma.mvas_heritage.holes, start),
    place: isShared ? undefined : vma.mvas_park,
  };
}

/** Of memory that forks take along, an image does not tell the pages. */
function isRead({ mvas_runs: runs, mvas_heritage: heritage }: VmaEntry, kind: AreaKind): boolean {
  return kind === 'anonymous' && runs.length > 0 && heritage === undefined;
}

/** What the shared object that a mapping is of is called. */
export function objectOf(vma: VmaEntry): bigint {
  return isSegment(vma) ? objectOfSegment(vma.shmid) : vma.shmid;
}

/** Whether a mapping is of a System V shared memory segment. */
export function isSegment({ status }: VmaEntry): boolean {
  return (status & VMA_STATUS.sysvIpc) !== 0;
}

/** Segments that no process has attached. */
function looseObjects(segments: DescribedMemory['segments']): SharedObject[] {
  return segments.flatMap(({ entry: { desc, size: bytes, mvas_park: place, mvas_runs: runs } }) => {
    if (place === undefined) return [];
    const size = wholePages(bytes);
    const id = objectOfSegment(BigInt(desc.id));
    const object = { id, size, reach: size, isUnreserved: false, mapping: undefined };
    return [{ ...object, runs: runsOf(runs, 0n), place }];
  });
}

/** Runs from pairs of first page and page count, relative to an address. */
export function runsOf(pairs: readonly bigint[], from: bigint): readonly PageRun[] {
  if (pairs.length === 0) return NO_RUNS;
  const runs: PageRun[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    runs.push({ start: from + (pairs[i] ?? 0n) * PAGE, length: (pairs[i + 1] ?? 0n) * PAGE });
  }
  return runs;
}

/**
 * Assembles shared objects from their mappings. Each mapping says where the object lies; a single one says what is
 * in it.
 */
class SharedFinder {
  readonly #found = new Map<bigint, { vma: VmaEntry; pid: NsPid; end: bigint }>();

  note(pid: NsPid, vma: VmaEntry): void {
    const end = vma.pgoff + (vma.end - vma.start);
    const found = this.#found.get(objectOf(vma));
    if (!found) {
      this.#found.set(objectOf(vma), { vma, pid, end });
      return;
    }
    if (end > found.end) found.end = end;
    if (vma.mvas_size !== undefined) Object.assign(found, { vma, pid });
  }

  objects(): SharedObject[] {
    return [...this.#found].map(([id, { vma, pid, end }]) => {
      const { mvas_size: size = end, mvas_runs: pairs, flags, start } = vma;
      return {
        id,
        size,
        reach: size > end ? size : end,
        isUnreserved: (flags & MAP_NORESERVE) !== 0,
        runs: runsOf(pairs, 0n),
        mapping: { pid, start, end: vma.end },
        place: vma.mvas_park ?? badImage('shared memory without a place'),
      };
    });
  }
}
