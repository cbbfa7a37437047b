// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import {
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_GUARD_INSTALL,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MLOCK_ONFAULT,
  MREMAP_MOVE_FIXED,
  PAGE,
  PR,
  PROT_READ,
  PROT_READ_WRITE,
  PROT_WRITE,
  PR_SET_MM_MAP,
  PR_SET_VMA_ANON_NAME,
  SYS,
  USER_END,
} from '../../native/abi/index.js';
import { VMA_STATUS } from '../image/constants.js';
import type { MmEntry, VmaEntry } from '../image/types.js';
import { WORK } from '../plan/abi.js';
import type { PlanBuilder, Sequence } from '../plan/builder.js';
import { Branches, type Branch } from './branches.js';
import { heritageOf, planHeritage } from './heritage.js';
import type { Range } from './ranges.js';
import {
  collectShared,
  describe,
  is,
  isOrdinary,
  pairs,
  parkedRanges,
  type Run,
  type SharedMemory,
} from './parked.js';

const LOWEST = 0x1000n;
const MM_MAP_SIZE = 104;
/** MAP_* flags of memory that is made anew: private or droppable, anonymous, growing down, no reserve. */
const REMADE = MAP_PRIVATE | MAP_DROPPABLE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_NORESERVE;
/** All advice that an image may hold, in the order in which it is given. */
const ADVICE = [
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_DONTFORK,
  MADV_MERGEABLE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_DONTDUMP,
  MADV_WIPEONFORK,
] as const;
/** Advice that is given while the holder is filled, or at the very end of all. */
const EARLY_ADVICE = new Set<number>([MADV_HUGEPAGE, MADV_NOHUGEPAGE]);

/** One of the kernel's own areas in the holder, to be moved into place. */
export interface KernelArea {
  readonly special: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** What the plan of the memory is made from. */
export interface MemoryPlanOptions {
  readonly builder: PlanBuilder;
  /** Where the holder's own range begins. */
  readonly base: bigint;
  /** Address spaces by container pid. */
  readonly mms: ReadonlyMap<number, MmEntry>;
  /** The kernel's areas as they lie in the holder. */
  readonly kernelAreas: readonly KernelArea[];
  /** The processes exec duplicates of their memory before it is placed. */
  readonly execs: boolean;
  /** The staged descriptor of a file of the image. */
  readonly staged: (fileId: number) => number;
  /** Stages another file, of a path in PID 1's /proc; the descriptor. */
  readonly stage: (what: string, path: string) => number;
}

/**
 * Plans the memory of restored processes. PID 1 is a fork of the holder: its private memory is in
 * place. That of every other process waits in the park; a child takes its part along when it is forked,
 * and moves it into place. What it still shares with its forker it inherits (heritage.ts).
 *
 * Or every process execs the kernel's duplicate of its memory: all of it is in place, the kernel's areas
 * too, but for files and shared memory, of which descriptors have been staged. Where private ones were mapped lies anonymous memory with the pages written to.
 */
export class MemoryPlan {
  readonly #options: MemoryPlanOptions;
  readonly #parks = new Map<number, readonly Range[]>();
  readonly #shared: ReadonlyMap<bigint, SharedMemory>;
  /** Everything below and above the park and the holder's own range. */
  readonly #around: readonly Range[];
  readonly #branches: Branches;
  /** Descriptors of shared memory, where it is to outlive the address space it was made in. */
  readonly #sharedFiles = new Map<bigint, number>();

  constructor(options: MemoryPlanOptions) {
    this.#options = options;
    for (const [pid, mm] of options.mms) this.#parks.set(pid, parkedRanges(pid, mm));
    this.#shared = collectShared(options.mms.values());
    const shared = [...this.#shared.values()].map(({ at, reach }) => ({
      start: at,
      end: at + reach,
    }));
    const { base } = options;
    const unowned = [...shared, { start: base, end: base + WORK.size }];
    this.#branches = new Branches(this.#parks, unowned);
    this.#around = around([...unowned, ...[...this.#parks.values()].flat()]);
  }

  /** In PID 1, before any fork: shared memory comes into being. */
  planShared(root: Sequence): void {
    for (const [id, { at, size, reach, stash, runs, reserve }] of this.#shared) {
      const flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | reserve;
      const args = [at, size, PROT_READ_WRITE, flags, -1, 0];
      root.syscall('make shared memory', SYS.mmap, args, { expect: at });
      if (reach > size) {
        const stretched = [at, size, reach, 0];
        root.syscall('reach beyond its end', SYS.mremap, stretched, { expect: at });
      }
      for (const [page, count] of runs) {
        const offset = page * PAGE;
        root.copy('fill shared memory', at + offset, stash + offset, count * PAGE);
      }
      root.syscall('drop the stash', SYS.munmap, [stash, size]);
      if (!this.#options.execs) continue;
      const path = `/proc/self/map_files/${at.toString(16)}-${(at + reach).toString(16)}`;
      this.#sharedFiles.set(id, this.#options.stage('open shared memory', path));
    }
  }

  /** What is to go along with a process: its own memory, and that of the branches below it. */
  branch(pid: number, below: readonly Branch[]): Branch {
    return this.#branches.branch(pid, below);
  }

  /** In a process that is about to fork: nothing of its own goes along, nor of these branches by itself. */
  planBeforeForks(pid: number, below: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#own(pid)) advise(sequence, range, MADV_DONTFORK);
    for (const range of this.#branches.ranges(below)) advise(sequence, range, MADV_DONTFORK);
  }

  /** First of all in each process but PID 1: private memory comes to its place, for forks to inherit it. */
  planForkable(pid: number, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const vma of this.#mm(pid).vmas.filter(isOrdinary)) {
      if (vma.mvas_heritage) planHeritage(vma, sequence);
      else placePrivate(vma, sequence);
    }
  }

  /** Right before a fork: what heirs among the forked inherit goes along. */
  planBequest(heirs: readonly number[], sequence: Sequence): void {
    this.#adviseHeritage(heirs, sequence, MADV_DOFORK);
  }

  /** Right after it: the next child gets none of that. */
  planBequeathed(heirs: readonly number[], sequence: Sequence): void {
    this.#adviseHeritage(heirs, sequence, MADV_DONTFORK);
  }

  /** Right before a fork, for what would not go along by itself. */
  planFork(branch: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#branches.ranges(branch)) advise(sequence, range, MADV_DOFORK);
  }

  /** Right after it: the parent has no use for it. */
  planForked(branch: Branch, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const { start, end } of this.#branches.ranges(branch)) {
      sequence.syscall('drop what children took along', SYS.munmap, [start, end - start]);
    }
  }

  /** When a process has no more children to fork. */
  planAfterForks(pid: number, sequence: Sequence): void {
    if (this.#options.execs) return;
    for (const range of this.#own(pid)) advise(sequence, range, MADV_DOFORK);
  }

  /** In each process: everything comes to its place. Files must be staged. */
  planPlace(pid: number, sequence: Sequence): void {
    const mm = this.#mm(pid);
    if (this.#options.execs) {
      for (const vma of mm.vmas) {
        if (is(vma, VMA_STATUS.anonShared)) this.#mapShared(vma, sequence);
        if (is(vma, VMA_STATUS.filePrivate | VMA_STATUS.fileShared)) this.#mapFile(vma, sequence);
      }
      this.#setLayout(mm, sequence);
      return;
    }
    for (const vma of mm.vmas) {
      if (is(vma, VMA_STATUS.anonShared)) this.#placeShared(vma, sequence);
      else if (is(vma, VMA_STATUS.filePrivate | VMA_STATUS.fileShared))
        this.#placeFile(vma, sequence);
    }
    for (const { at, reach } of this.#shared.values()) {
      sequence.syscall('drop shared memory', SYS.munmap, [at, reach]);
    }
    this.#placeKernelAreas(mm, sequence);
    this.#setLayout(mm, sequence);
  }

  /** Late in each process: locks and advice that would be in the way before. */
  planFinish(pid: number, sequence: Sequence): void {
    const { vmas } = this.#mm(pid);
    // Memory that is locked takes no guards.
    for (const vma of vmas.filter((one) => is(one, VMA_STATUS.guard))) {
      const args = [vma.start, vma.end - vma.start, MADV_GUARD_INSTALL];
      sequence.syscall(`guard ${describe(vma)}`, SYS.madvise, args);
    }
    for (const vma of vmas) {
      for (const advice of vma.madv === undefined ? [] : ADVICE) {
        if (!EARLY_ADVICE.has(advice)) adviseArea(vma, advice, sequence);
      }
      if (vma.mvas_name !== undefined) this.#nameArea(vma, vma.mvas_name, sequence);
      if (vma.flags & MAP_LOCKED) lock(vma, sequence);
    }
  }

  #nameArea(vma: VmaEntry, name: string, sequence: Sequence): void {
    const text = this.#options.builder.string(name);
    const args = [PR.setVma, PR_SET_VMA_ANON_NAME, vma.start, vma.end - vma.start, text];
    sequence.syscall(`name ${describe(vma)}`, SYS.prctl, args, { tolerate: true });
  }

  #mm(pid: number): MmEntry {
    return this.#options.mms.get(pid) ?? badImage(`no memory of pid ${String(pid)}`);
  }

  /** The ranges of a process's own memory when it forks: all around the park, and what else it has there. */
  #own(pid: number): readonly Range[] {
    return [...this.#around, ...(this.#parks.get(pid) ?? [])];
  }

  #adviseHeritage(heirs: readonly number[], sequence: Sequence, advice: number): void {
    if (this.#options.execs) return;
    for (const { start, end } of heirs.flatMap((pid) => heritageOf(this.#mm(pid)))) {
      sequence.syscall('advise what is inherited', SYS.madvise, [start, end - start, advice]);
    }
  }

  #placeShared(vma: VmaEntry, sequence: Sequence): void {
    const object = this.#shared.get(vma.shmid);
    if (!object) badImage('shared memory nobody made');
    const length = vma.end - vma.start;
    // Of a shared mapping, mremap(2) with an old size of 0 makes another one of the same pages.
    const args = [object.at + vma.pgoff, 0, length, MREMAP_MOVE_FIXED, vma.start];
    sequence.syscall(`map ${describe(vma)}`, SYS.mremap, args, { expect: vma.start });
    protect(vma, PROT_READ_WRITE, sequence);
  }

  #placeFile(vma: VmaEntry, sequence: Sequence): void {
    const stash = vma.mvas_park;
    const runs = stash === undefined ? [] : pairs(vma.mvas_runs);
    const bits = this.#map(vma, { at: vma.start, runs, how: MAP_FIXED_NOREPLACE }, sequence);
    if (stash === undefined || runs.length === 0) return;
    layPages(vma, { from: stash, to: vma.start, runs }, sequence);
    sequence.syscall('drop the stash', SYS.munmap, [stash, vma.end - vma.start]);
    protect(vma, bits, sequence);
  }

  #mapShared(vma: VmaEntry, sequence: Sequence): void {
    const fd = this.#sharedFiles.get(vma.shmid) ?? badImage('shared memory nobody made');
    const flags = MAP_SHARED | MAP_FIXED_NOREPLACE | (vma.flags & MAP_NORESERVE);
    const args = [vma.start, vma.end - vma.start, vma.prot, flags, fd, vma.pgoff];
    sequence.syscall(`map ${describe(vma)}`, SYS.mmap, args, { expect: vma.start });
  }

  /** Maps a file over what a duplicate has in its place; first to the park, to take written pages along. */
  #mapFile(vma: VmaEntry, sequence: Sequence): void {
    const stash = vma.mvas_park;
    const runs = stash === undefined ? [] : pairs(vma.mvas_runs);
    if (stash === undefined || runs.length === 0) {
      this.#map(vma, { at: vma.start, runs, how: MAP_FIXED }, sequence);
      return;
    }
    const length = vma.end - vma.start;
    const bits = this.#map(vma, { at: stash, runs, how: MAP_FIXED_NOREPLACE }, sequence);
    if (!(vma.prot & PROT_READ)) {
      sequence.syscall('read what was written', SYS.mprotect, [vma.start, length, PROT_READ]);
    }
    layPages(vma, { from: vma.start, to: stash, runs }, sequence);
    const args = [stash, length, length, MREMAP_MOVE_FIXED, vma.start];
    sequence.syscall(`move ${describe(vma)}`, SYS.mremap, args, { expect: vma.start });
    protect(vma, bits, sequence);
  }

  /** Maps the file of an area somewhere, writable if pages are to be laid over it; returns the protection. */
  #map(
    vma: VmaEntry,
    { at, runs, how }: { readonly at: bigint; readonly runs: readonly Run[]; readonly how: number },
    sequence: Sequence,
  ): number {
    const isPrivate = is(vma, VMA_STATUS.filePrivate);
    const bits = runs.length > 0 ? vma.prot | PROT_WRITE : vma.prot;
    const flags = (isPrivate ? MAP_PRIVATE : MAP_SHARED) | how;
    const fd = this.#options.staged(Number(vma.shmid));
    const args = [at, vma.end - vma.start, bits, flags, fd, vma.pgoff];
    sequence.syscall(`map ${describe(vma)}`, SYS.mmap, args, { expect: at });
    return bits;
  }

  #placeKernelAreas(mm: MmEntry, sequence: Sequence): void {
    const wanted = mm.vmas.filter((vma) => is(vma, VMA_STATUS.vdso | VMA_STATUS.vvar));
    const ours = this.#options.kernelAreas;
    wanted.forEach((vma, index) => {
      const from = ours[index];
      const size = vma.end - vma.start;
      if (from?.end !== undefined && from.end - from.start === size) {
        const args = [from.start, size, size, MREMAP_MOVE_FIXED, vma.start];
        sequence.syscall(`move ${from.special}`, SYS.mremap, args, { expect: vma.start });
        return;
      }
      badImage('the vDSO of the image is not the one of this kernel');
    });
    for (const area of ours.slice(wanted.length)) {
      sequence.syscall(`unmap ${area.special}`, SYS.munmap, [area.start, area.end - area.start]);
    }
  }

  /** prctl(PR_SET_MM_MAP): needs CAP_CHECKPOINT_RESTORE, and the old executable not mapped any more. */
  #setLayout(mm: MmEntry, sequence: Sequence): void {
    const { builder, staged } = this.#options;
    const auxv = Buffer.alloc(mm.mm_saved_auxv.length * 8);
    mm.mm_saved_auxv.forEach((word, index) => auxv.writeBigUInt64LE(word, index * 8));
    const map = Buffer.alloc(MM_MAP_SIZE);
    // prettier-ignore
    [
      mm.mm_start_code, mm.mm_end_code, mm.mm_start_data, mm.mm_end_data, mm.mm_start_brk, mm.mm_brk,
      mm.mm_start_stack, mm.mm_arg_start, mm.mm_arg_end, mm.mm_env_start, mm.mm_env_end,
    ].forEach((word, index) => map.writeBigUInt64LE(word, index * 8));
    map.writeUInt32LE(auxv.length, 96);
    map.writeUInt32LE(staged(mm.exe_file_id), 100);
    const data = builder.data(map);
    builder.link(data, 88, builder.data(auxv));
    const args = [PR.setMm, PR_SET_MM_MAP, data, MM_MAP_SIZE, 0];
    sequence.syscall('set the memory layout and the executable', SYS.prctl, args);
  }
}

function layPages(
  vma: VmaEntry,
  { from, to, runs }: { readonly from: bigint; readonly to: bigint; readonly runs: readonly Run[] },
  sequence: Sequence,
): void {
  for (const [page, count] of runs) {
    const offset = page * PAGE;
    sequence.copy(`lay pages over ${describe(vma)}`, to + offset, from + offset, count * PAGE);
  }
}

/** What has nothing stored is made anew. */
function placePrivate(vma: VmaEntry, sequence: Sequence): void {
  const length = vma.end - vma.start;
  if (vma.mvas_park === undefined) {
    const flags = MAP_FIXED_NOREPLACE | (vma.flags & REMADE);
    const made = [vma.start, length, vma.prot, flags, -1, 0];
    sequence.syscall(`make ${describe(vma)}`, SYS.mmap, made, { expect: vma.start });
    for (const advice of EARLY_ADVICE) adviseArea(vma, advice, sequence);
    return;
  }
  const args = [vma.mvas_park, length, length, MREMAP_MOVE_FIXED, vma.start];
  sequence.syscall(`move ${describe(vma)}`, SYS.mremap, args, { expect: vma.start });
}

/** First without its pages, which says whether it may be locked. To lock what cannot be touched fails, and works. */
function lock(vma: VmaEntry, sequence: Sequence): void {
  const length = vma.end - vma.start;
  const what = `lock ${describe(vma)}`;
  sequence.syscall(what, SYS.mlock2, [vma.start, length, MLOCK_ONFAULT]);
  if (!(vma.flags & MAP_POPULATE)) return;
  sequence.syscall(what, SYS.mlock2, [vma.start, length, 0], { tolerate: true });
}

function adviseArea(vma: VmaEntry, advice: number, sequence: Sequence): void {
  if (((vma.madv ?? 0n) & (1n << BigInt(advice))) === 0n) return;
  const what = `advise ${String(advice)} ${describe(vma)}`;
  sequence.syscall(what, SYS.madvise, [vma.start, vma.end - vma.start, advice]);
}

function protect(vma: VmaEntry, current: number, sequence: Sequence): void {
  if (vma.prot === current) return;
  const args = [vma.start, vma.end - vma.start, vma.prot];
  sequence.syscall(`protect ${describe(vma)}`, SYS.mprotect, args);
}

function advise(sequence: Sequence, { start, end }: Range, advice: number): void {
  // ENOMEM says that the range has holes: the rest has been advised (madvise(2)).
  sequence.syscall('advise fork', SYS.madvise, [start, end - start, advice], { tolerate: true });
}

/** What user space can have below and above these ranges. */
function around(ranges: readonly Range[]): Range[] {
  let [low, high] = [USER_END, LOWEST];
  for (const { start, end } of ranges) {
    if (start < low) low = start;
    if (end > high) high = end;
  }
  return [
    { start: LOWEST, end: low },
    { start: high, end: USER_END },
  ];
}
