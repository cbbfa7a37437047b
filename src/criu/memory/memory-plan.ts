// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { NsPid } from '../../common/ids.js';
import {
  MADV_DOFORK,
  MADV_DONTFORK,
  MADV_GUARD_INSTALL,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_MOVE_FIXED,
  PR,
  PROT_READ,
  PROT_READ_WRITE,
  PROT_WRITE,
  PR_SET_MM_MAP,
  PR_SET_VMA_ANON_NAME,
  SYS,
} from '../../native/abi/index.js';
import { words } from '../../native/structures.js';
import type { MmEntry } from '../image/types.js';
import type { Valid } from '../image/validate.js';
import type { MappedRing } from '../image/entry-kind.js';
import { WORK } from '../plan/abi.js';
import type { PlanBuilder } from '../plan/builder.js';
import type { Sequence } from '../plan/sequence.js';
import type { Slot } from '../plan/values.js';
import { Branches, type Branch } from './branches.js';
import { heritageOf, planHeritage } from './heritage.js';
import {
  has,
  rangeOf,
  segmentOf,
  type AreaKind,
  type MappedArea,
  type SharedObject,
} from './memory-map.js';
import type { ImageMap, ImageMemory } from './of-image.js';
import type { PageRun } from './page-runs.js';
import { planContents } from './shared-contents.js';
import { madeRange, placeSegments, planSegment } from './segments.js';
import { adviseLate, layPages, lock, placePrivate, protect } from './place-area.js';
import { areSame, around, type Range } from './ranges.js';
import { planKeys } from './keys-plan.js';
import { firstProtection } from './protection-keys.js';
import { placeRing } from './ring.js';
import { parkedRanges, Stashes, stashesOf } from './stashes.js';

const INIT = 1;
/** Whose the park's ranges are that no fork takes along. */
const READ = -1;
const MM_MAP_SIZE = 104;

/** One of the kernel's own areas in the holder, to be moved into place. */
export interface KernelArea {
  readonly special: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** What an image says about memory. */
export interface PlannedMemory {
  readonly memory: ImageMemory;
  /** Where the parts of each address space begin and end, by container pid. */
  readonly mms: ReadonlyMap<NsPid, MmEntry>;
}

/** What a plan of memory is made from. */
export interface MemoryPlanOptions {
  readonly builder: PlanBuilder;
  /** Where the holder's own range begins. */
  readonly base: bigint;
  readonly image: Valid<PlannedMemory>;
  /** The kernel's areas as they lie in the holder. */
  readonly kernelAreas: readonly KernelArea[];
  /** Processes that PID 1 does not fork, nor anything below it. */
  readonly outside: ReadonlySet<NsPid>;
  /** Whether the processes exec duplicates of their memory before it is placed. */
  readonly execs: boolean;
  /** Whether this host has protection keys. */
  readonly hasKeys: boolean;
  /** The staged descriptor of a file of the image. */
  readonly staged: (fileId: number) => number;
  /** Whether that is mapped only where the kernel chooses. */
  readonly mapsAnywhere: (fileId: number) => boolean;
  /** The ring of a file that is one. */
  readonly ringOf?: (fileId: number) => MappedRing | undefined;
  /** Stages another file by its path in PID 1's /proc; returns the descriptor. */
  readonly stage: (what: string, path: string) => number;
  /** The directory of the files that the root has mapped (/proc/PID/map_files), if any are to be written to. */
  readonly mapFiles?: Slot | undefined;
  /** Stages the memory of the root of the tree, if others read from it; returns the descriptor. */
  readonly stageMemory: () => number | undefined;
}

/**
 * Plans the memory of restored processes. PID 1 is a fork of the holder: its private memory is in place. The memory
 * of every other process waits in the park; a child takes its part along when it is forked, and moves it into
 * place. What it still shares with its forker it inherits (heritage.ts); what is laid over that, or over files, it reads
 * (stashes.ts).
 *
 * Alternatively, every process execs the kernel's duplicate of its memory: then all of it is in place, including
 * the kernel's areas, except for files and shared memory, whose descriptors have been staged. Private mappings of
 * files are replaced by anonymous memory with the pages written to.
 */
export class MemoryPlan {
  readonly #options: MemoryPlanOptions;
  readonly #parks = new Map<NsPid, readonly Range[]>();
  /** Shared memory, which is made behind its content. */
  readonly #shared: ReadonlyMap<bigint, SharedObject>;
  /** Everything below and above the park and the holder's own range. */
  readonly #around: readonly Range[];
  readonly #branches: Branches;
  readonly #stashes: Stashes;
  /** Descriptors of shared memory that is mapped from outside of the address space it was made in. */
  readonly #sharedFiles = new Map<bigint, number>();
  /** Shared memory of processes that PID 1 does not fork. */
  readonly #sharedOutside: ReadonlySet<bigint>;

  constructor(options: MemoryPlanOptions) {
    this.#options = options;
    const { memory } = options.image;
    const { base } = options;
    for (const [pid, map] of memory.maps) this.#parks.set(pid, parkedRanges(map));
    this.#shared = new Map(memory.shared.map((object) => [object.id, object]));
    const unowned = [...memory.shared.map(madeRange), { start: base, end: base + WORK.size }];
    const stashes = options.execs ? [] : [...memory.maps.values()].flatMap(stashesOf);
    this.#branches = new Branches(new Map([...this.#parks, [READ, stashes]]), unowned);
    this.#stashes = new Stashes(this.#branches.ranges(this.#branches.branch(READ, [])));
    this.#sharedOutside = new Set(
      [...options.outside]
        .flatMap((pid) => memory.maps.get(pid)?.unfinished ?? [])
        .filter(({ kind }) => kind === 'anonymous-shared')
        .map(({ object }) => object),
    );
    this.#around = around([...unowned, ...stashes, ...[...this.#parks.values()].flat()]);
  }

  /** In the root, before any fork: creates shared memory. */
  planShared(root: Sequence): void {
    this.#stashes.planKept(this.#options.stageMemory(), root);
    for (const [id, object] of this.#shared) {
      if (segmentOf(id) !== undefined) {
        planSegment(object, root);
        continue;
      }
      const { size, reach, place } = object;
      const { start: at, end } = madeRange(object);
      const reserve = object.isUnreserved ? MAP_NORESERVE : 0;
      const flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | reserve;
      const args = [at, size, PROT_READ_WRITE, flags, -1, 0];
      root.syscall('make shared memory', SYS.mmap, args, { expect: at });
      if (reach > size) {
        const stretched = [at, size, reach, 0];
        root.syscall('reach beyond its end', SYS.mremap, stretched, { expect: at });
      }
      planContents(object, this.#options, root);
      root.syscall('drop the stash', SYS.munmap, [place, size]);
      if (!this.#options.execs && !this.#sharedOutside.has(id)) continue;
      const path = `/proc/self/map_files/${at.toString(16)}-${end.toString(16)}`;
      this.#sharedFiles.set(id, this.#options.stage('open shared memory', path));
    }
  }

  /** In the helper outside, another fork of the holder, once shared memory is made and staged. */
  planSharedOutside(sequence: Sequence): void {
    this.#stashes.planDropped(sequence);
    for (const [id, object] of this.#shared) {
      const { place, size, reach } = object;
      sequence.syscall('drop the stash', SYS.munmap, [place, size]);
      const fd = this.#sharedFiles.get(id);
      if (fd === undefined || this.#options.execs) continue;
      const { start: at } = madeRange(object);
      const reserve = object.isUnreserved ? MAP_NORESERVE : 0;
      const args = [at, reach, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE | reserve, fd, 0];
      sequence.syscall('map shared memory', SYS.mmap, args, { expect: at });
    }
  }

  /** What goes along with a process (0: none): its own memory, and that of the branches below it. */
  branch(pid: NsPid | 0, below: readonly Branch[]): Branch {
    return this.#branches.branch(pid, below);
  }

  /** In a process that is about to fork: lets nothing of its own go along, nor of these branches by default. */
  planBeforeForks(pid: NsPid, below: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#own(pid)) advise(sequence, range, MADV_DONTFORK);
    for (const range of this.#branches.ranges(below)) advise(sequence, range, MADV_DONTFORK);
  }

  /** The first step of each process but PID 1: moves private memory into place, for forks to inherit it. */
  planForkable(pid: NsPid, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const area of this.#map(pid).unfinished) {
      if (area.kind !== 'anonymous') continue;
      if (area.holes) planHeritage(area, this.#stashes, sequence);
      else if (has(area, 'read')) this.#readPrivate(area, sequence);
      else placePrivate(area, sequence);
    }
  }

  /**
   * Right before a fork: marks what heirs among the forked processes inherit, and nothing else of what was marked for
   * those of the fork before. Siblings mostly inherit the same.
   */
  planBequest(heirs: readonly NsPid[], before: readonly NsPid[], sequence: Sequence): void {
    if (this.#options.execs) return;
    const [next, last] = [heirs, before].map((pids) => this.#heritage(pids)) as [Range[], Range[]];
    if (areSame(next, last)) return;
    const adviseAll = (ranges: readonly Range[], advice: number): void => {
      for (const { start, end } of ranges) {
        const args = [start, end - start, advice];
        sequence.syscall('advise what is inherited', SYS.madvise, args);
      }
    };
    adviseAll(last, MADV_DONTFORK);
    adviseAll(next, MADV_DOFORK);
  }

  /** Right before a fork, for what would not go along by default. */
  planFork(branch: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#branches.ranges(branch)) advise(sequence, range, MADV_DOFORK);
  }

  /** Right after it: the parent no longer needs it. */
  planForked(branch: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const { start, end } of this.#branches.ranges(branch)) {
      sequence.syscall('drop what children took along', SYS.munmap, [start, end - start]);
    }
  }

  /** When a process has no more children to fork. */
  planAfterForks(pid: NsPid, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#own(pid)) advise(sequence, range, MADV_DOFORK);
  }

  /** In each process: moves everything into place. Files must be staged. */
  planPlace(pid: NsPid, sequence: Sequence): void {
    const map = this.#map(pid);
    const { execs } = this.#options;
    for (const area of map.unfinished) {
      if (area.kind === 'anonymous-shared') {
        if (segmentOf(area.object) !== undefined) continue;
        if (execs) this.#mapShared(area, sequence);
        else this.#placeShared(area, sequence);
      } else if (isOfFile(area.kind)) {
        if (this.#placeRing(area, sequence)) continue;
        if (execs) this.#mapFile(area, sequence);
        else this.#placeFile(pid, area, sequence);
      }
    }
    placeSegments(map.unfinished, this.#shared, sequence);
    if (!execs) {
      for (const [id, object] of this.#shared) {
        if (segmentOf(id) !== undefined) continue;
        const args = [madeRange(object).start, object.reach];
        sequence.syscall('drop shared memory', SYS.munmap, args);
      }
      this.#placeKernelAreas(map, sequence);
    }
    this.#setLayout(pid, sequence);
  }

  /** In the root, once all processes have their memory. */
  planRead(root: Sequence): void {
    this.#stashes.planDropped(root);
  }

  /** Late in each process: locks, advice and keys that would have been in the way. */
  planFinish(pid: NsPid, sequence: Sequence): void {
    const { label, unfinished, guards } = this.#map(pid);
    // Locked memory accepts no guards.
    for (const { start, length } of guards) {
      const what = () => `guard ${rangeOf({ start, end: start + length })}`;
      sequence.syscall(what, SYS.madvise, [start, length, MADV_GUARD_INSTALL]);
    }
    for (const area of unfinished) {
      adviseLate(area, sequence);
      if (area.name !== undefined) this.#nameArea(area, area.name, sequence);
      if (area.flags & MAP_LOCKED) lock(area, sequence);
    }
    const { hasKeys, image } = this.#options;
    const keys = image.mms.get(pid)?.mvas_pkeys;
    planKeys({ label, areas: unfinished }, { keys, hasKeys }, sequence);
  }

  #nameArea(area: MappedArea, name: string, sequence: Sequence): void {
    const text = this.#options.builder.string(name);
    const args = [PR.setVma, PR_SET_VMA_ANON_NAME, area.start, area.end - area.start, text];
    sequence.syscall(() => `name ${rangeOf(area)}`, SYS.prctl, args, { tolerate: true });
  }

  #map(pid: NsPid): ImageMap {
    return this.#options.image.memory.maps.get(pid) ?? badImage(`no memory of pid ${String(pid)}`);
  }

  /**
   * The ranges of a process's own memory when it forks: everything around the park, and what it has inside the
   * park.
   */
  #own(pid: NsPid): readonly Range[] {
    return [...this.#around, ...(this.#parks.get(pid) ?? [])];
  }

  #heritage(heirs: readonly NsPid[]): Range[] {
    return heirs.flatMap((pid) => heritageOf(this.#map(pid)));
  }

  #readPrivate(area: MappedArea, sequence: Sequence): void {
    placePrivate({ ...area, place: undefined }, sequence);
    this.#stashes.planRead(area, sequence);
  }

  #placeShared(area: MappedArea, sequence: Sequence): void {
    const object = this.#shared.get(area.object);
    if (!object) badImage('shared memory nobody made');
    const from = madeRange(object).start + area.offset;
    // For a shared mapping, mremap(2) with an old size of 0 creates another one of the same pages.
    const args = [from, 0, area.end - area.start, MREMAP_MOVE_FIXED, area.start];
    sequence.syscall(() => `map ${rangeOf(area)}`, SYS.mremap, args, { expect: area.start });
    protect(area, PROT_READ_WRITE, sequence);
  }

  #placeFile(pid: NsPid, area: MappedArea, sequence: Sequence): void {
    const { start, end, place } = area;
    const runs = writtenPages(area);
    const bits = this.#mapAt(area, start, MAP_FIXED_NOREPLACE, sequence);
    if (place === undefined || runs.length === 0) return;
    if (pid === INIT) {
      layPages(area, { from: place, to: start, runs }, sequence);
      sequence.syscall('drop the stash', SYS.munmap, [place, end - start]);
    } else {
      this.#stashes.planRead(area, sequence);
    }
    protect(area, bits, sequence);
  }

  #placeRing(area: MappedArea, sequence: Sequence): boolean {
    const { ringOf, staged, base } = this.#options;
    const id = Number(area.object);
    const ring = ringOf?.(id);
    if (ring) placeRing(area, { ring, fd: staged(id), base }, sequence);
    return ring !== undefined;
  }

  #mapShared(area: MappedArea, sequence: Sequence): void {
    const { start, end, offset } = area;
    const prot = firstProtection(area.prot);
    const fd = this.#sharedFiles.get(area.object) ?? badImage('shared memory nobody made');
    const flags = MAP_SHARED | MAP_FIXED_NOREPLACE | (area.flags & MAP_NORESERVE);
    const args = [start, end - start, prot, flags, fd, offset];
    sequence.syscall(() => `map ${rangeOf(area)}`, SYS.mmap, args, { expect: start });
  }

  /** Maps a file over what a duplicate has in its place; first into the park, where it gets the written pages. */
  #mapFile(area: MappedArea, sequence: Sequence): void {
    const { start, end, place } = area;
    const runs = writtenPages(area);
    if (place === undefined || runs.length === 0) {
      this.#mapAt(area, start, MAP_FIXED, sequence);
      return;
    }
    const length = end - start;
    const bits = this.#mapAt(area, place, MAP_FIXED_NOREPLACE, sequence);
    if (!(area.prot & PROT_READ)) {
      sequence.syscall('read what was written', SYS.mprotect, [start, length, PROT_READ]);
    }
    layPages(area, { from: start, to: place, runs }, sequence);
    const args = [place, length, length, MREMAP_MOVE_FIXED, start];
    sequence.syscall(() => `move ${rangeOf(area)}`, SYS.mremap, args, { expect: start });
    protect(area, bits, sequence);
  }

  /** Maps the file of an area somewhere, writable if pages are to be laid over it; returns the protection. */
  #mapAt(area: MappedArea, at: bigint, how: number, sequence: Sequence): number {
    const first = firstProtection(area.prot);
    const bits = writtenPages(area).length > 0 ? first | PROT_WRITE : first;
    const flags = (area.kind === 'file-private' ? MAP_PRIVATE : MAP_SHARED) | how;
    const fd = this.#options.staged(Number(area.object));
    const length = area.end - area.start;
    if (this.#options.mapsAnywhere(Number(area.object))) {
      const what = `map ${rangeOf(area)}`;
      if (how === MAP_FIXED) sequence.syscall(what, SYS.munmap, [at, length]);
      sequence.mapAt(what, at, { fd, length, protection: bits, offset: area.offset });
      return bits;
    }
    const args = [at, length, bits, flags, fd, area.offset];
    sequence.syscall(() => `map ${rangeOf(area)}`, SYS.mmap, args, { expect: at });
    return bits;
  }

  #placeKernelAreas({ unfinished }: ImageMap, sequence: Sequence): void {
    const wanted = unfinished.filter(({ kind }) => kind === 'vdso' || kind === 'vvar');
    const ours = this.#options.kernelAreas;
    wanted.forEach(({ start, end }, index) => {
      const from = ours[index];
      const size = end - start;
      if (from?.end !== undefined && from.end - from.start === size) {
        const args = [from.start, size, size, MREMAP_MOVE_FIXED, start];
        sequence.syscall(`move ${from.special}`, SYS.mremap, args, { expect: start });
        return;
      }
      badImage('the vDSO of the image is not the one of this kernel');
    });
    for (const area of ours.slice(wanted.length)) {
      sequence.syscall(`unmap ${area.special}`, SYS.munmap, [area.start, area.end - area.start]);
    }
  }

  /** prctl(PR_SET_MM_MAP): needs CAP_CHECKPOINT_RESTORE, and the old executable must be unmapped. */
  #setLayout(pid: NsPid, sequence: Sequence): void {
    const { builder, staged, image } = this.#options;
    const mm = image.mms.get(pid) ?? badImage(`no memory of pid ${String(pid)}`);
    const auxv = words(...mm.mm_saved_auxv);
    const map = new Uint8Array(MM_MAP_SIZE);
    // prettier-ignore
    map.set(words(
      mm.mm_start_code, mm.mm_end_code, mm.mm_start_data, mm.mm_end_data, mm.mm_start_brk, mm.mm_brk,
      mm.mm_start_stack, mm.mm_arg_start, mm.mm_arg_end, mm.mm_env_start, mm.mm_env_end,
    ));
    map.set(new Uint8Array(Uint32Array.of(auxv.length, staged(mm.exe_file_id)).buffer), 96);
    const data = builder.data(map);
    builder.link(data, 88, builder.data(auxv));
    const args = [PR.setMm, PR_SET_MM_MAP, data, MM_MAP_SIZE, 0];
    sequence.syscall('set the memory layout and the executable', SYS.prctl, args);
  }
}

function isOfFile(kind: AreaKind): boolean {
  return kind === 'file-private' || kind === 'file-shared';
}

/** Pages that are laid over a file. */
function writtenPages({ place, runs }: MappedArea): readonly PageRun[] {
  return place === undefined ? [] : runs;
}

function advise(sequence: Sequence, { start, end }: Range, advice: number): void {
  // ENOMEM means that the range has holes: the rest has been advised (madvise(2)).
  sequence.syscall('advise fork', SYS.madvise, [start, end - start, advice], { tolerate: true });
}
