// SPDX-License-Identifier: Apache-2.0
import { forAll } from '../../../common/for-all.js';
import type { HostPid, NsPid, VasId } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import { hasEnded } from '../../tracee/life-watch.js';
import type { StoppedThread } from '../../tracee/stopped-thread.js';
import { WriteTracking } from '../../tracee/write-tracking.js';
import type { HolderClient } from '../../vas/holder-client.js';
import { PlanBuilder } from '../../plan/builder.js';
import { fromNothing, type Difference } from '../difference.js';
import { unmap } from '../fill-plan.js';
import type { Layout } from '../layout.js';
import {
  has,
  NO_RUNS,
  storesPages,
  type MappedArea,
  type MemoryMap,
  type SharedObject,
} from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import { totalBytes, union, within, without, type PageRun } from '../page-runs.js';
import { again, allOf, restOf } from '../pre-copied.js';
import { Continued, type Copied } from './continued.js';
import { fillMaps, fillShared } from './fill.js';
import { clearHolder } from './kernel-areas.js';
import {
  countWritten,
  distributeRuns,
  protectPages,
  protectRunning,
  type ProtectedPages,
} from './page-finder.js';
import { PagesOfFile, PagesOfProcess } from './pages-of.js';
import { hostPids, objectPath, type LiveProcess } from './process.js';
import { PagesOfRunning } from './running-pages.js';
import type { RunningProcess } from './running-process.js';
import { sameAreas } from './same-areas.js';
import type { Owner } from './same-pages.js';
import type { ContainerMemory, MemorySource, NewHolder } from './source.js';
import { placeMemory, type CopiedAhead } from './take-memory.js';

/** What becomes of a container after its checkpoint. */
export interface Afterwards {
  /** Its processes go on. */
  readonly leavesRunning: boolean;
  /** Their writes are tracked on, for a checkpoint that starts from this one. */
  readonly tracksOn?: boolean;
}

/** What a VAS holds. Pages are by the container pids of processes. */
interface Held {
  readonly memory: ContainerMemory;
  /** Those that have not been written to since they were protected. */
  readonly clean: ReadonlyMap<NsPid, readonly PageRun[]>;
  /** Those, and what has been protected now. */
  readonly tracked: ReadonlyMap<NsPid, readonly PageRun[]>;
}

const NOTHING: ProtectedPages = { runs: NO_RUNS, marked: NO_RUNS };

/** What is to be copied of a process. */
interface Wanted {
  readonly process: LiveProcess;
  readonly map: MemoryMap;
  readonly difference: Difference;
}

/**
 * Copies memory while its processes run. Pages are write-protected only during a moment in which all of the
 * processes stand still: then no system call is in progress that took hold of a page earlier (as with a file opened
 * with O_DIRECT) and would write to it behind the protection.
 */
export class PreCopy implements MemorySource, CopiedAhead {
  readonly backend = 'holder';
  readonly ahead = this;
  readonly #holder: HolderClient;
  readonly #holderPid: HostPid;
  readonly #leavesRunning: boolean;
  readonly #tracksOn: boolean;
  readonly #trackings: Map<HostPid, WriteTracking>;
  /** What has been protected, before it has a place. */
  readonly #found = new Map<HostPid, readonly PageRun[]>();
  readonly #copied: Map<NsPid, Copied>;
  #layout: Layout | undefined;
  /** Undefined as long as the holder is as it was started. */
  #kernelAreas: readonly KernelArea[] | undefined;
  /** Shared memory that the holder has, of the checkpoint before this one. */
  readonly #oldShared: readonly SharedObject[];
  readonly #depth: number;
  #wanted: readonly Wanted[] = [];
  /** What the final stop has copied. */
  #rest: Difference[] = [];
  /** What the holder has after it, and which pages of that are protected. */
  #held: Held | undefined;
  /** How often memory has been copied while its processes ran. */
  rounds = 0;
  /** How many bytes were copied in that way. */
  bytes = 0;

  /** `before`: the holder is a fork of the one of that checkpoint; otherwise it is empty. */
  constructor(
    { holder, holderPid }: NewHolder,
    { leavesRunning, tracksOn = false }: Afterwards,
    before?: Continued,
  ) {
    this.#holder = holder;
    this.#holderPid = holderPid;
    this.#leavesRunning = leavesRunning;
    this.#tracksOn = tracksOn;
    this.#trackings = before?.takeTrackings() ?? new Map<HostPid, WriteTracking>();
    this.#copied = new Map(before?.holding.copied);
    this.#layout = before?.holding.layout;
    this.#kernelAreas = before?.holding.kernelAreas;
    this.#oldShared = before?.holding.shared ?? [];
    this.#depth = before ? before.depth + 1 : 0;
  }

  get layout(): Layout {
    if (!this.#layout) throw new ShimError('internal', 'nothing has been copied yet');
    return this.#layout;
  }

  /** Whether writes to any memory are tracked. */
  get isTracking(): boolean {
    return this.#trackings.size > 0;
  }

  readonly tracks = (pid: HostPid): boolean => this.#trackings.has(pid);

  /**
   * Starts to track the writes of processes that stand still.
   *
   * @param leaders the first thread of each
   */
  async track(
    running: readonly RunningProcess[],
    leaders: readonly StoppedThread[],
  ): Promise<void> {
    this.close(); // A try before this one may have come half-way.
    this.#found.clear();
    await forAll(running, async ({ process: { pid }, map: { areas }, vmas }, index) => {
      // Were a part of an area tracked, mremap(2) of all of it would fail.
      const isSame = sameAreas(pid);
      const leader = leaders[index];
      const vdso = areas.find(({ kind }) => kind === 'vdso');
      const canCall = leader && vdso && isSame(vdso);
      const tracking = canCall && (await WriteTracking.begin(leader, vmas));
      if (!tracking) return;
      this.#trackings.set(pid, tracking);
      for (const area of areas) if (isTrackable(area) && isSame(area)) tracking.track(area);
    });
  }

  /** Protects all memory that is tracked, and finds it, while its processes stand still. */
  protect(running: readonly RunningProcess[]): void {
    for (const { process, map } of this.#tracked(running)) {
      const found = protectPages(process, map.areas, 'all');
      this.#add(process, found);
      this.#forgetMarks(process, map, found);
    }
  }

  /**
   * The same while they run. {@link protectRest} has to come before any of it is copied: it stops them, and so ends
   * the system calls that may write to pages behind their protection.
   */
  async protectRunning(running: readonly RunningProcess[]): Promise<void> {
    for (const { process, map } of this.#tracked(running)) {
      const found = protectRunning(process, map.areas).catch((error: unknown) => {
        if (hasEnded(process.pid)) return NOTHING;
        throw error;
      });
      this.#add(process, await found);
      this.#forgetMarks(process, map, await found);
    }
  }

  /** Protects, while they stand still, what they have written to since. */
  protectRest(running: readonly RunningProcess[]): void {
    for (const { process, map } of this.#tracked(running)) {
      this.#add(process, protectPages(process, map.areas, 'written'));
    }
  }

  /**
   * Gives all memory its place, and has what is protected copied.
   *
   * @param forkers who forks each process at a restore, as far as is known
   * @throws ShimError for what has no place
   */
  place(running: readonly RunningProcess[], forkers: ReadonlyMap<NsPid, NsPid>): void {
    const living = running.filter(({ process: { pid } }) => !hasEnded(pid));
    const found = living.map(({ process, map }): Owner => {
      return { process, map: distributeRuns(map, this.#found.get(process.pid) ?? NO_RUNS) };
    });
    const { owners, maps, layout } = placeUnlessEnded(found, forkers);
    this.#found.clear();
    this.#layout = layout;
    this.#wanted = owners.flatMap(({ process }, index) => {
      const map = maps[index];
      return map ? [{ process, map, difference: fromNothing(map.areas) }] : [];
    });
  }

  /** Bytes of running processes that have been written to since they were last protected. */
  written(): bigint {
    let sum = 0n;
    for (const { process, map } of this.#copied.values()) sum += countWritten(process, map.areas);
    return sum;
  }

  /** Has what processes have written to copied again. They stand still. `pids`: of those that still live. */
  protectAgain(pids: ReadonlySet<HostPid>): void {
    this.#wanted = [...this.#copied.values()].flatMap((copied) => {
      const { process } = copied;
      if (!pids.has(process.pid) || !this.tracks(process.pid)) return [];
      const { runs: written } = protectPages(process, copied.map.areas, 'written');
      const { map, difference } = again(copied, written);
      this.#copied.set(process.nsPid, { process, map, fresh: without(copied.fresh, written) });
      return [{ process, map, difference }];
    });
  }

  /** Copies what is marked, while the processes run. */
  async copy(): Promise<void> {
    this.rounds++;
    this.#kernelAreas ??= await clearHolder(this.#holder, this.#holderPid, this.layout.base);
    const wanted = this.#wanted;
    this.#wanted = [];
    const byPid = new Map(wanted.map((one) => [one.map.pid, one]));
    const pidOf = hostPids(wanted.map(({ process }) => process));
    const read = new Map<NsPid, PagesOfRunning>();
    const maps = wanted.map(({ map }) => map);
    await fillMaps(this.#holder, this.layout.base, maps, {
      pagesOf: ({ pid }, builder) => {
        const pages = new PagesOfRunning(pidOf(pid), builder);
        read.set(pid, pages);
        return pages;
      },
      differenceOf: ({ pid }) => byPid.get(pid)?.difference ?? fromNothing([]),
    });
    for (const one of wanted) this.#note(one, read.get(one.map.pid)?.copied() ?? NO_RUNS);
  }

  /** The holder was emptied before the first copy. */
  clear(): Promise<readonly KernelArea[]> {
    return Promise.resolve(this.#kernelAreas ?? []);
  }

  /** Copies the rest. */
  async hold(memory: ContainerMemory): Promise<void> {
    const { base, maps, shared, processes } = memory;
    await this.#dropGone(maps);
    const pidOf = hostPids(processes);
    this.#held = this.#tracksOn ? this.#protectForNext(memory) : undefined;
    const { clean } = this.#held ?? memory;
    await fillMaps(this.#holder, base, maps, {
      pagesOf: ({ pid }) => new PagesOfProcess(pidOf(pid)),
      differenceOf: (map) => {
        const rest = restOf(this.#copied.get(map.pid), map, clean.get(map.pid) ?? NO_RUNS);
        this.#rest.push(rest);
        return rest;
      },
    });
    await fillShared(this.#holder, base, shared, (object) => {
      return new PagesOfFile(objectPath(object, pidOf));
    });
  }

  /**
   * Everything is there. Processes that continue are no longer tracked, unless another checkpoint is to follow; for those to
   * be killed it does not matter.
   */
  fill(): Promise<void> {
    if (this.#leavesRunning && !this.#tracksOn) this.close();
    return Promise.resolve();
  }

  /** Bytes that the final stop has copied of private memory. */
  get rest(): number {
    const runs = this.#rest.flatMap(({ added, kept }) =>
      [...added, ...kept].map((one) => one.runs),
    );
    return runs.reduce((sum, some) => sum + Number(totalBytes(some)), 0);
  }

  /**
   * What a next checkpoint starts from, once everything is in the VAS; undefined if writes are not tracked on. The tracking
   * is the caller's from then on.
   */
  continue(vasId: VasId): Continued | undefined {
    if (!this.#held || !this.isTracking) return undefined;
    const { memory, tracked } = this.#held;
    const { maps, shared, processes } = memory;
    const copied = new Map<NsPid, Copied>();
    for (const [index, process] of processes.entries()) {
      const map = maps[index];
      if (!map) continue;
      copied.set(map.pid, { process, ...allOf(map, tracked.get(map.pid) ?? NO_RUNS) });
    }
    const kernelAreas = this.#kernelAreas ?? [];
    const holding = { layout: memory.layout, kernelAreas, copied, shared };
    const trackings = [...this.#trackings.values()];
    this.#trackings.clear();
    return new Continued(vasId, holding, { depth: this.#depth, trackings });
  }

  /** Ends all tracking at once. */
  close(): void {
    for (const tracking of this.#trackings.values()) tracking.close();
    this.#trackings.clear();
  }

  /** Those that are tracked, and live. */
  #tracked(running: readonly RunningProcess[]): RunningProcess[] {
    return running.filter(({ process: { pid } }) => this.tracks(pid) && !hasEnded(pid));
  }

  #add({ pid }: LiveProcess, { runs }: ProtectedPages): void {
    this.#found.set(pid, union(this.#found.get(pid) ?? NO_RUNS, runs));
  }

  /** Protects memory anew in which writes would not be noticed. A process in which that fails is no longer tracked. */
  #forgetMarks(process: LiveProcess, { areas }: MemoryMap, { marked }: ProtectedPages): void {
    if (marked.length === 0) return;
    const tracking = this.#trackings.get(process.pid);
    for (const area of areas) {
      if (within(marked, area).length === 0) continue;
      tracking?.trackAnew(area);
      const found = protectPages(process, [area], 'all');
      this.#add(process, found);
      if (found.marked.length === 0) continue;
      tracking?.close();
      this.#trackings.delete(process.pid);
      return;
    }
  }

  #note({ process, map }: Wanted, copied: readonly PageRun[]): void {
    this.bytes += Number(totalBytes(copied));
    const fresh = union(this.#copied.get(map.pid)?.fresh ?? NO_RUNS, copied);
    this.#copied.set(map.pid, { process, map, fresh });
  }

  /**
   * Protects everything that is not protected, before it is copied, in areas that are new as well. What has been written to
   * since pages were found, such as by us, is not clean.
   */
  #protectForNext(memory: ContainerMemory): Held {
    const clean = new Map<NsPid, readonly PageRun[]>();
    const tracked = new Map<NsPid, readonly PageRun[]>();
    for (const [index, process] of memory.processes.entries()) {
      const areas = memory.maps[index]?.areas ?? [];
      const tracking = this.#trackings.get(process.pid);
      if (!tracking) continue;
      for (const area of areas) {
        if (isTrackable(area) && !has(area, 'tracked')) tracking.trackAnew(area);
      }
      const { runs: written } = protectPages(process, areas, 'written');
      const before = memory.clean.get(process.nsPid) ?? NO_RUNS;
      clean.set(process.nsPid, without(before, written));
      tracked.set(process.nsPid, union(before, written));
    }
    return { memory, clean, tracked };
  }

  /** Removes the memory of processes that have ended, and what the last checkpoint had of shared memory. */
  async #dropGone(maps: readonly MemoryMap[]): Promise<void> {
    const builder = new PlanBuilder();
    const sequence = builder.sequence('memory of processes that have ended');
    const living = new Set(maps.map(({ pid }) => pid));
    for (const [pid, { map }] of this.#copied) {
      if (!living.has(pid)) for (const area of map.areas) unmap(sequence, area);
    }
    for (const { place, size } of this.#oldShared) {
      sequence.syscall('unmap shared memory', SYS.munmap, [place, size]);
    }
    sequence.end();
    await this.#holder.run(builder.finish(), this.layout.base, sequence.offset);
  }
}

/**
 * Places memory of processes that run; returns also whose. Where one ends meanwhile, it is left out, and nothing is known
 * of pages that others share with it.
 */
function placeUnlessEnded(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
): ReturnType<typeof placeMemory> & { readonly owners: readonly Owner[] } {
  try {
    return { owners, ...placeMemory(owners, forkers) };
  } catch (error) {
    const living = owners.filter(({ process: { pid } }) => !hasEnded(pid));
    if (living.length === owners.length) throw error;
    return placeUnlessEnded(living, new Map());
  }
}

/** Elsewhere few pages have been written to, or they are not the process's own. */
function isTrackable(area: MappedArea): boolean {
  return area.kind === 'anonymous' && storesPages(area);
}
