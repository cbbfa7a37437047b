// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { GhostFile } from '../../image/ghost.js';
import type { FileEntry, RegFileEntry } from '../../image/types.js';
import type { Slot } from '../../plan/builder.js';
import { F, O } from './abi.js';
import { planEpoll } from './kinds/epoll.js';
import { planEventfd, planSignalfd } from './kinds/eventfd.js';
import { Folders } from './names/folders.js';
import { GhostPlan } from './deleted/ghost-plan.js';
import { bodyOf, type ImageIndex } from './image-index.js';
import { planInet } from './kinds/inet.js';
import { planInotify } from './kinds/inotify.js';
import { LOCK_FLAG, planFileLock } from './locks.js';
import { planMemfd, sealsOf } from './kinds/memfd.js';
import { planNetlink } from './kinds/netlink.js';
import { checkPath } from './names/path.js';
import { planFifo, planPipe, type StagedEnd } from './kinds/pipe.js';
import { planRegular, type FilePlace } from './kinds/regular/plan.js';
import type { OpenedFiles } from './kinds/regular/opened-files.js';
import type { Stage } from './stage.js';
import type { TerminalPlan } from './kinds/terminal/plan.js';
import { planTimerfd } from './kinds/timerfd.js';
import { TmpfilePlan } from './kinds/regular/tmpfile-plan.js';
import { UnixPlan } from './kinds/unix/plan.js';

/** New stdio: slots of descriptors, or null for the console, or /dev/null where there is none. */
export type StdioSlots = readonly [Slot | null, Slot | null, Slot | null];

/** F_SEAL_SEAL and F_SEAL_FUTURE_WRITE: only to be set once all mappings exist. */
export const LATE_SEALS = 0x11;
export const F_SEAL_FUTURE_WRITE = 0x10;

/** What of the new container is opened in the place of the old one's. */
export interface OpenPlanOptions {
  readonly stdio: StdioSlots;
  readonly hasConsole: boolean;
  readonly terminals: TerminalPlan;
  readonly opened: OpenedFiles;
}

/** Opens every file of an image, in PID 1, before it forks. */
export class OpenPlan {
  readonly #index: ImageIndex;
  readonly #stage: Stage;
  readonly #options: OpenPlanOptions;
  readonly #folders: Folders;
  readonly #ghosts: GhostPlan;
  readonly #tmpfiles: TmpfilePlan;
  readonly #numbers = new Map<number, number>();
  /** Staged copies of the three stdio descriptors. */
  readonly #stdioNumbers = new Map<number, number>();

  constructor(index: ImageIndex, stage: Stage, options: OpenPlanOptions) {
    this.#index = index;
    this.#stage = stage;
    this.#options = options;
    this.#folders = new Folders(stage, index.mounts);
    this.#ghosts = new GhostPlan(stage, this.#folders);
    this.#tmpfiles = new TmpfilePlan(stage);
  }

  /** Appends all operations; the numbers of the files that could be opened early. */
  plan(): ReadonlyMap<number, number> {
    const early = [...this.#index.files.values()].filter(
      (file) => this.#index.timeOf(file) === 'early',
    );
    for (const file of early) {
      const number = this.#stage.reserve();
      this.#numbers.set(file.id, number);
      const remap = this.#index.remaps.get(file.id);
      this.#tmpfiles.add(file, number, remap);
      this.#ghosts.add(file, number, remap);
    }
    // Slots hold low numbers, which nothing takes away as long as all else moves up at once.
    for (const file of early) if (file.mvas_stdio !== undefined) this.#planStdio(file);
    const inside = early.filter((file) => file.mvas_stdio === undefined);
    for (const file of inside) this.#planSimple(file);
    this.#planPipes(inside);
    this.#planFifos(inside);
    this.#planMemfds(inside);
    this.#planUnix(inside);
    this.#planTerminals(inside);
    this.#planLocks();
    this.#ghosts.close();
    this.#folders.close();
    return this.#numbers;
  }

  #number(id: number): number {
    return this.#numbers.get(id) ?? badImage(`file ${String(id)} cannot be opened early`);
  }

  #planSimple(file: FileEntry): void {
    const stage = this.#stage;
    const number = this.#number(file.id);
    switch (file.type) {
      case 'REG':
        this.#planRegular(file, number);
        return;
      case 'EVENTFD':
        planEventfd(stage, bodyOf(file, 'efd'), number);
        return;
      case 'SIGNALFD':
        planSignalfd(stage, bodyOf(file, 'sgfd'), number);
        return;
      case 'TIMERFD':
        planTimerfd(stage, bodyOf(file, 'tfd'), number);
        return;
      case 'EVENTPOLL':
        planEpoll(stage, bodyOf(file, 'epfd'), number);
        return;
      case 'INOTIFY':
        planInotify(stage, bodyOf(file, 'ify'), number);
        return;
      case 'INETSK':
        planInet(stage, bodyOf(file, 'isk'), number);
        return;
      case 'NETLINKSK':
        planNetlink(stage, bodyOf(file, 'nlsk'), number);
        return;
      case 'PIPE':
      case 'FIFO':
      case 'MEMFD':
      case 'UNIXSK':
      case 'TTY':
        return; // made together with those they belong to
      default:
        badImage(`file ${String(file.id)}: files of kind ${file.type} are not restored`);
    }
  }

  #planRegular(file: FileEntry, number: number): void {
    const entry = bodyOf(file, 'reg');
    if (this.#isFifoName(entry) || this.#isTerminalName(entry)) return;
    const remap = this.#index.remaps.get(entry.id);
    if (remap !== undefined && this.#tmpfiles.has(remap)) {
      this.#tmpfiles.plan(entry, number, remap, this.#ghost(remap));
    } else planRegular(this.#stage, entry, number, this.#placeOf(entry));
  }

  /** The entry of a FIFO's path, which is opened by its FIFO entry. */
  #isFifoName(entry: RegFileEntry): boolean {
    const isFifo = ((entry.mode ?? 0) & 0o170000) === 0o010000;
    return isFifo && (entry.flags & O.path) === 0;
  }

  /** The entry of a terminal's path, which is opened by its TTY entry. */
  #isTerminalName({ id }: RegFileEntry): boolean {
    return [...this.#index.files.values()].some(({ tty }) => tty?.regf_id === id);
  }

  #placeOf(entry: RegFileEntry): FilePlace {
    const ghost = this.#ghostOf(entry);
    return ghost === undefined ? { opened: this.#options.opened } : { ghost };
  }

  /** The number of a descriptor on a deleted file. */
  #ghostOf(entry: RegFileEntry): number | undefined {
    const remap = this.#index.remaps.get(entry.id);
    if (remap === undefined) return undefined;
    checkPath(entry.id, entry.name);
    return this.#ghosts.open(remap, this.#ghost(remap), entry.name);
  }

  #ghost(remap: number): GhostFile {
    const ghost = this.#index.image.ghosts.get(remap);
    return ghost ?? badImage(`deleted file ${String(remap)} is missing`);
  }

  #planStdio(file: FileEntry): void {
    const which = file.mvas_stdio ?? 0;
    const slot = this.#options.stdio[which];
    if (slot === undefined) badImage(`file ${String(file.id)}: no such stdio: ${String(which)}`);
    const number = this.#number(file.id);
    const what = `stdio ${String(which)}`;
    const known = this.#stdioNumbers.get(which);
    if (known !== undefined) this.#stage.copy(what, number, known);
    else if (slot) this.#stage.copy(what, number, slot);
    else {
      const path = this.#options.hasConsole ? '/dev/console' : '/dev/null';
      this.#stage.openPath(what, number, path, { flags: O.rdwr | O.noctty });
    }
    this.#stdioNumbers.set(which, number);
    const flags = (file.pipe ?? file.usk ?? file.reg)?.flags ?? 0;
    if (flags & O.nonblock) this.#stage.attempt(what, SYS.fcntl, [number, F.setfl, O.nonblock]);
  }

  #planPipes(files: readonly FileEntry[]): void {
    const data = new Map(this.#index.image.pipeData.map((item) => [item.entry.pipe_id, item]));
    const pipes = files.filter(({ type }) => type === 'PIPE');
    for (const [id, ends] of groupBy(pipes, (file) => bodyOf(file, 'pipe').pipe_id)) {
      const entries = ends.map((file) => bodyOf(file, 'pipe'));
      const staged = entries.map((entry) => this.#end(entry.id, entry.flags));
      planPipe(this.#stage, { ends: staged, owner: entries[0] ?? {}, data: data.get(id) });
    }
  }

  #planFifos(files: readonly FileEntry[]): void {
    const data = new Map(this.#index.image.fifoData.map((item) => [item.entry.pipe_id, item]));
    const fifos = files.filter(({ type }) => type === 'FIFO');
    for (const [id, ends] of groupBy(fifos, (file) => bodyOf(file, 'fifo').pipe_id)) {
      const names = ends.map((file) => this.#nameOf(bodyOf(file, 'fifo').regf_id));
      const staged = ends.map((file, i) => ({
        ...this.#end(file.id, names[i]?.flags ?? 0),
        isUnwritten: file.fifo?.mvas_unwritten === true,
      }));
      const [first] = names;
      if (!first) continue;
      const place = { path: first.name, ghost: this.#ghostOf(first) };
      planFifo(this.#stage, place, staged, data.get(id));
    }
  }

  #nameOf(id: number | undefined): RegFileEntry {
    const entry = bodyOf(this.#index.file(id ?? -1), 'reg');
    if (this.#index.isLate(entry)) badImage(`no FIFO lies at ${entry.name}`);
    return entry;
  }

  #planMemfds(files: readonly FileEntry[]): void {
    const memfds = files.filter(({ type }) => type === 'MEMFD');
    for (const [id, ends] of groupBy(memfds, (file) => bodyOf(file, 'memfd').inode_id)) {
      const inode = this.#index.memfds.get(id) ?? badImage(`there is no memfd ${String(id)}`);
      const staged = ends.map((file) => ({
        entry: bodyOf(file, 'memfd'),
        number: this.#number(file.id),
      }));
      const content = this.#index.image.ghosts.get(inode.shmid);
      const memory = planMemfd(this.#stage, inode, content, staged);
      const seals = sealsOf(inode);
      const now = seals & F_SEAL_FUTURE_WRITE ? seals & ~LATE_SEALS : seals;
      const what = `seal memfd ${inode.name}`;
      if (now !== 0) this.#stage.run(what, SYS.fcntl, [memory, F.addSeals, now]);
      this.#stage.close(memory);
    }
  }

  #planUnix(files: readonly FileEntry[]): void {
    const sockets = files
      .filter(({ type }) => type === 'UNIXSK')
      .map((file) => ({ entry: bodyOf(file, 'usk'), number: this.#number(file.id) }));
    const { packets } = this.#index.image;
    new UnixPlan(this.#stage, sockets, { folders: this.#folders, packets }).plan();
  }

  #planTerminals(files: readonly FileEntry[]): void {
    const staged = files
      .filter(({ type }) => type === 'TTY')
      .map((file) => {
        const { regf_id: id } = bodyOf(file, 'tty');
        const name = id === undefined ? '' : bodyOf(this.#index.file(id), 'reg').name;
        return { file, name, number: this.#number(file.id) };
      });
    this.#options.terminals.planOpen(this.#stage, staged);
  }

  #planLocks(): void {
    const { locks, tables, fdinfo } = this.#index.image;
    for (const lock of locks) {
      if (lock.flag === LOCK_FLAG.posix) continue;
      const descriptors = fdinfo.get(tables.get(lock.pid) ?? -1) ?? [];
      const id = descriptors.find(({ fd }) => fd === lock.fd)?.id;
      if (id === undefined) badImage(`a lock on fd ${String(lock.fd)}, which is not open`);
      planFileLock(this.#stage, this.#number(id), lock);
    }
  }

  #end(id: number, flags: number): StagedEnd {
    return { id, flags, number: this.#number(id) };
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
