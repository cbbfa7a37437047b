// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import type { StoppedProcess } from '../../tracee/stopped-processes.js';
import { WriteTracking } from '../../tracee/write-tracking.js';
import type { HolderClient } from '../../vas/holder-client.js';
import { PlanBuilder } from '../../plan/builder.js';
import { fromNothing, type Difference } from '../difference.js';
import { unmap } from '../fill-plan.js';
import type { Layout } from '../layout.js';
import { NO_RUNS, storesPages, type MappedArea, type MemoryMap } from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import { totalBytes, union, without, type PageRun } from '../page-runs.js';
import { again, restOf, type PreCopied } from '../pre-copied.js';
import { fillMaps, fillShared } from './fill.js';
import { clearHolder } from './kernel-areas.js';
import { countWritten, distribute, protectPages } from './page-finder.js';
import { PagesOfFile, PagesOfProcess } from './pages-of.js';
import { hostPids, objectPath, type LiveProcess } from './process.js';
import { readMap } from './read-map.js';
import { PagesOfRunning } from './running-pages.js';
import type { Owner } from './same-pages.js';
import type { ContainerMemory, MemorySource, NewHolder } from './source.js';
import { placeMemory, type CopiedAhead } from './take-memory.js';

/** What has been copied of a process, and which process that was. */
interface Copied extends PreCopied {
  readonly process: LiveProcess;
}

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
  readonly #trackings = new Map<HostPid, WriteTracking>();
  readonly #copied = new Map<NsPid, Copied>();
  #layout: Layout | undefined;
  #kernelAreas: readonly KernelArea[] = [];
  #wanted: readonly Wanted[] = [];
  /** How often memory has been copied while its processes ran. */
  rounds = 0;
  /** How many bytes were copied in that way. */
  bytes = 0;

  /** `leavesRunning`: the processes continue after the checkpoint. */
  constructor({ holder, holderPid }: NewHolder, leavesRunning: boolean) {
    this.#holder = holder;
    this.#holderPid = holderPid;
    this.#leavesRunning = leavesRunning;
  }

  get layout(): Layout {
    if (!this.#layout) throw new ShimError('internal', 'nothing has been copied yet');
    return this.#layout;
  }

  readonly tracks = (pid: HostPid): boolean => this.#trackings.has(pid);

  /**
   * Starts to track the writes of processes that stand still.
   *
   * @param forkers which process forks each at a restore
   * @throws ShimError if something cannot be restored, or has no place
   */
  async begin(
    processes: readonly StoppedProcess[],
    forkers: ReadonlyMap<NsPid, NsPid>,
  ): Promise<void> {
    this.close(); // An earlier try may have come half-way.
    const owners: Owner[] = [];
    for (const process of processes) owners.push(await this.#track(process));
    const { maps, layout } = placeMemory(owners, forkers);
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

  /** Marks what processes have written to for another copy. They stand still. */
  protectAgain(processes: readonly LiveProcess[]): void {
    this.#wanted = processes.flatMap((process) => {
      const copied = this.#copied.get(process.nsPid);
      if (!copied || !this.tracks(process.pid)) return [];
      const found = protectPages(process, copied.map.areas, 'written');
      const written = found.map(({ start, end }) => ({ start, length: end - start }));
      const { map, difference } = again(copied, written);
      this.#copied.set(process.nsPid, { process, map, fresh: without(copied.fresh, written) });
      return [{ process, map, difference }];
    });
  }

  /** Copies what is marked, while the processes run. */
  async copy(): Promise<void> {
    if (this.rounds++ === 0) {
      this.#kernelAreas = await clearHolder(this.#holder, this.#holderPid, this.layout.base);
    }
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
    return Promise.resolve(this.#kernelAreas);
  }

  /** Copies the rest. */
  async hold(memory: ContainerMemory): Promise<void> {
    const { base, maps, shared, processes, clean } = memory;
    await this.#dropGone(maps);
    const pidOf = hostPids(processes);
    await fillMaps(this.#holder, base, maps, {
      pagesOf: ({ pid }) => new PagesOfProcess(pidOf(pid)),
      differenceOf: (map) => {
        return restOf(this.#copied.get(map.pid), map, clean.get(map.pid) ?? NO_RUNS);
      },
    });
    await fillShared(this.#holder, base, shared, (object) => {
      return new PagesOfFile(objectPath(object, pidOf));
    });
  }

  /**
   * Everything is there. Processes that continue are no longer tracked; for those to be killed it does not matter.
   */
  fill(): Promise<void> {
    if (this.#leavesRunning) this.close();
    return Promise.resolve();
  }

  /** Ends all tracking at once. */
  close(): void {
    for (const tracking of this.#trackings.values()) tracking.close();
    this.#trackings.clear();
  }

  /** Finds the anonymous memory of a process as it protects it. Finds nothing of memory that cannot be tracked. */
  async #track(process: StoppedProcess): Promise<Owner> {
    const { map, vmas } = readMap(process);
    const tracking = await WriteTracking.begin(process, vmas);
    if (!tracking) return { process, map };
    this.#trackings.set(process.pid, tracking);
    for (const area of map.areas) if (isTrackable(area)) tracking.track(area);
    return { process, map: distribute(map, protectPages(process, map.areas, 'all')) };
  }

  #note({ process, map }: Wanted, copied: readonly PageRun[]): void {
    this.bytes += Number(totalBytes(copied));
    const fresh = union(this.#copied.get(map.pid)?.fresh ?? NO_RUNS, copied);
    this.#copied.set(map.pid, { process, map, fresh });
  }

  /** Removes the memory of processes that have ended. */
  async #dropGone(maps: readonly MemoryMap[]): Promise<void> {
    const builder = new PlanBuilder();
    const sequence = builder.sequence('memory of processes that have ended');
    const living = new Set(maps.map(({ pid }) => pid));
    for (const [pid, { map }] of this.#copied) {
      if (!living.has(pid)) for (const area of map.areas) unmap(sequence, area);
    }
    sequence.end();
    await this.#holder.run(builder.finish(), this.layout.base, sequence.offset);
  }
}

/** Elsewhere few pages have been written to, or they are not the process's own. */
function isTrackable(area: MappedArea): boolean {
  return area.kind === 'anonymous' && storesPages(area);
}
