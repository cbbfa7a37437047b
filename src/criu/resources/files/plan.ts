// SPDX-License-Identifier: Apache-2.0
import { assertInvariant, badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { EventpollTfdEntry, FdinfoEntry, FileEntry } from '../../image/types.js';
import { PlanPointer, type PlanBuilder, type Sequence, type Slot } from '../../plan/builder.js';
import type { MountInfo } from '../../procfs/mountinfo.js';
import { AT_FDCWD, F, O, RESOLVE, SEEK, SETTABLE } from './abi.js';
import { planEpollAdd } from './kinds/epoll.js';
import type { FilesImage } from './files-image.js';
import { bodyOf, commonOf, ImageIndex } from './image-index.js';
import { LOCK_FLAG, planPosixLock } from './locks.js';
import { sealsOf } from './kinds/memfd.js';
import { F_SEAL_FUTURE_WRITE, LATE_SEALS, OpenPlan, type StdioSlots } from './open-plan.js';
import { hasOwner, planOwner } from './owner.js';
import { checkPath } from './names/path.js';
import { OpenedFiles, type LookOptions, type ReadPlan } from './kinds/regular/opened-files.js';
import { openFlags } from './kinds/regular/plan.js';
import { Stage } from './stage.js';
import { TerminalPlan } from './kinds/terminal/plan.js';
import { cPath, openHow } from './system.js';
import { planTimerfdStart } from './kinds/timerfd.js';

const F_DUPFD_CLOEXEC = 1030;
const LAST_FD = 0xffffffff;
const FD_CLOEXEC = 1;
const RLIMIT_NOFILE = 7;

/** What a {@link FilePlan} is told of the new container. */
export interface FilePlanOptions {
  readonly stdio: StdioSlots;
  /** It has a terminal: /dev/console. */
  readonly hasConsole: boolean;
  /** Threads need the root, which has the number of the stage's base, until the drop of privileges. */
  readonly keepsRoot?: boolean;
  /** Mounts of the new container as its PID 1 sees them. */
  readonly mounts: readonly MountInfo[];
  readonly look?: LookOptions;
}

/**
 * The operations that bring files back. In the order of the plan: {@link planOpen} in PID 1, which
 * leads its session, before it forks; {@link planSession} and {@link planForeground} in leaders of
 * other sessions; then in each process {@link planPlace}, file mappings and the executable by {@link staged},
 * {@link planFs}, and {@link planRelease} once no process that shares the table needs staged
 * descriptors; after the drop of privileges and before limits are lowered {@link planAfterDrop}.
 */
export class FilePlan {
  /** Staged descriptors have this number or higher; whatever lies below is closed by {@link planPlace}. */
  readonly stageBase: number;
  readonly #builder: PlanBuilder;
  readonly #index: ImageIndex;
  readonly #options: FilePlanOptions;
  readonly #terminals: TerminalPlan;
  readonly #opened: OpenedFiles;
  #numbers: ReadonlyMap<number, number> = new Map();
  #stage: Stage | undefined;

  /** @throws ShimError `dataLoss` for an image that contradicts itself. */
  constructor(builder: PlanBuilder, image: FilesImage, options: FilePlanOptions) {
    this.#builder = builder;
    this.#index = new ImageIndex(image, options.mounts);
    this.#options = options;
    this.#terminals = new TerminalPlan(builder, { ttys: image.ttys, ...options });
    this.#opened = new OpenedFiles(this.#index, options.look);
    this.stageBase = this.#index.base;
  }

  /** The first number that is never used; RLIMIT_NOFILE must be this high at least. Known after {@link planOpen}. */
  get descriptorLimit(): number {
    assertInvariant(this.#stage !== undefined, 'files are planned before their limit is known');
    return this.#stage.end + 2;
  }

  /** Opens every file. */
  planOpen(root: Sequence): void {
    this.#stage = new Stage(this.#builder, root, this.stageBase);
    this.#raiseLimit(root);
    const number = this.#stage.reserve();
    this.#stage.openPath('open the root', number, '/', { flags: O.path | O.directory });
    this.#numbers = new OpenPlan(this.#index, this.#stage, {
      ...this.#options,
      terminals: this.#terminals,
      opened: this.#opened,
    }).plan();
    // Once the stage is complete two numbers above it are left for moving late files.
    this.#stage.run('stand at the root', SYS.chdir, [this.#builder.string('/')]);
  }

  /** Judges what has been opened: see {@link OpenedFiles.check}. */
  checkOpened(read: ReadPlan): string[] {
    return this.#opened.check(read);
  }

  /** Stages one more file in PID 1, after {@link planOpen}, found at a path of its own /proc; its number. */
  planStaged(what: string, path: string): number {
    assertInvariant(this.#stage !== undefined, 'the stage is there once files are opened');
    const number = this.#stage.reserve();
    const args = [AT_FDCWD, this.#builder.string(path), O.rdwr | O.cloexec, 0];
    this.#stage.make(what, number, SYS.openat, args);
    return number;
  }

  /** What the leader of a session does once it has made it; PID 1 has done so in {@link planOpen}. */
  planSession(nsPid: number, sequence: Sequence): void {
    this.#terminals.planSession(sequence, nsPid);
  }

  /** What the leader of a session does once all groups exist. */
  planForeground(nsPid: number, sequence: Sequence): void {
    this.#terminals.planForeground(sequence, nsPid);
  }

  /** The number of a staged file. Throws ShimError `dataLoss` for one that is opened only later. */
  staged(fileId: number): number {
    this.#index.file(fileId);
    return this.#numbers.get(fileId) ?? badImage(`file ${String(fileId)} cannot be mapped`);
  }

  /** The process that acts for the descriptor table of a process: itself, unless it shares one. */
  tableOwner(nsPid: number): number {
    const table = this.#index.image.tables.get(nsPid) ?? badImage(`no table of ${String(nsPid)}`);
    return this.#index.owners.get(table) ?? nsPid;
  }

  /** Gives descriptors their numbers, closes all others below the stage, fills epoll instances. */
  planPlace(nsPid: number, sequence: Sequence): void {
    const descriptors = this.#index.descriptorsOf(nsPid);
    if (!descriptors) return;
    const targets = this.#epollTargets(nsPid, 'early');
    const places = new Map(descriptors.map(({ fd, id }) => [fd, id]));
    const isPlaced = ({ target }: Watch): boolean => places.get(target.tfd) === target.id;
    for (const watch of targets.filter((one) => !isPlaced(one))) {
      const from = this.staged(watch.target.id);
      sequence.syscall(`lend fd ${String(watch.target.tfd)}`, SYS.dup3, [
        from,
        watch.target.tfd,
        0,
      ]);
      this.#watch(sequence, watch);
    }
    for (const descriptor of descriptors) this.#place(sequence, descriptor);
    this.#placePidfds(sequence, descriptors);
    this.#closeOthers(sequence, descriptors);
    for (const watch of targets.filter(isPlaced)) this.#watch(sequence, watch);
    for (const watch of this.#epollTargets(nsPid, 'forked')) this.#watch(sequence, watch);
  }

  /** Closes the staged descriptors, and takes POSIX locks, which closing would give up. */
  planRelease(nsPid: number, sequence: Sequence): void {
    const descriptors = this.#index.descriptorsOf(nsPid);
    if (!descriptors) return;
    // The root, which is the first of the staged, is still needed for late files: see planOpen.
    const from = this.#keepsRoot(descriptors) ? this.stageBase + 1 : this.stageBase;
    sequence.syscall('close staged files', SYS.close_range, [from, LAST_FD, 0]);
    const { locks, tables } = this.#index.image;
    for (const lock of locks) {
      const mine = tables.get(lock.pid) === tables.get(nsPid);
      if (lock.flag === LOCK_FLAG.posix && mine) planPosixLock(this.#builder, sequence, lock);
    }
  }

  /** Working directory, root and umask. */
  planFs(nsPid: number, sequence: Sequence): void {
    const entry = this.#index.image.fs.get(nsPid);
    if (!entry) badImage(`pid ${String(nsPid)} has no working directory`);
    const root = bodyOf(this.#index.file(entry.root_id), 'reg');
    if (root.name !== '/') {
      // A directory of /proc is found from the old root only, and stays when the root changes.
      if (!this.#numbers.has(entry.cwd_id)) badImage(`pid ${String(nsPid)} is in a lost directory`);
      this.#enter(sequence, entry.root_id);
      const here = this.#builder.string('.');
      sequence.syscall(`change root to ${root.name}`, SYS.chroot, [here]);
    }
    this.#enter(sequence, entry.cwd_id);
    if (entry.umask !== undefined) {
      sequence.syscall('set umask', SYS.umask, [entry.umask & 0o777]);
    }
  }

  /** Files of /proc and /sys, owners for signals, timers, seals. */
  planAfterDrop(nsPid: number, sequence: Sequence): void {
    const descriptors = this.#index.descriptorsOf(nsPid);
    if (!descriptors) return;
    const slots = [this.#builder.slot(), this.#builder.slot()] as const;
    const late = groupById(descriptors.filter((one) => this.#isLate(one)));
    for (const [id, places] of late) this.#openLate(sequence, slots, this.#index.file(id), places);
    if (this.#keepsRoot(descriptors))
      sequence.syscall('close the root', SYS.close, [this.stageBase]);
    for (const watch of this.#epollTargets(nsPid, 'late')) this.#watch(sequence, watch);
    for (const [id, [place]] of groupById(descriptors)) {
      if (place && this.#index.actsFor(nsPid, id)) this.#finishFile(sequence, id, place.fd);
    }
    this.#sealMemfds(sequence, nsPid, descriptors);
  }

  #isLate({ id }: FdinfoEntry): boolean {
    return this.#index.timeOf(this.#index.file(id)) === 'late';
  }

  #keepsRoot(descriptors: readonly FdinfoEntry[]): boolean {
    return this.#options.keepsRoot === true || descriptors.some((one) => this.#isLate(one));
  }

  /** Raises the soft limit of open files to the hard one, whatever that is; PID 1's children inherit it. */
  #raiseLimit(root: Sequence): void {
    const limit = this.#builder.reserve(16);
    const what = 'raise the limit of open files';
    root.syscall(what, SYS.prlimit64, [0, RLIMIT_NOFILE, null, limit]);
    root.copy(what, limit, new PlanPointer(limit, 8), 8);
    root.syscall(what, SYS.prlimit64, [0, RLIMIT_NOFILE, limit, null]);
  }

  #place(sequence: Sequence, { id, fd, flags }: FdinfoEntry): void {
    const number = this.#numbers.get(id);
    if (number === undefined) return;
    const closeOnExec = flags & FD_CLOEXEC ? O.cloexec : 0;
    sequence.syscall(`place fd ${String(fd)}`, SYS.dup3, [number, fd, closeOnExec]);
  }

  #placePidfds(sequence: Sequence, descriptors: readonly FdinfoEntry[]): void {
    const pidfds = descriptors.filter(
      ({ id }) => this.#index.timeOf(this.#index.file(id)) === 'forked',
    );
    if (pidfds.length === 0) return;
    const slots = [this.#builder.slot(), this.#builder.slot()] as const;
    for (const [id, places] of groupById(pidfds)) {
      const { nspid, flags } = bodyOf(this.#index.file(id), 'pidfd');
      const what = `open a pidfd of pid ${String(nspid)}`;
      const args = [nspid, flags & O.nonblock];
      sequence.syscall(what, SYS.pidfd_open, args, { store: slots[0] });
      this.#spread(sequence, slots, places, what);
    }
  }

  #openLate(
    sequence: Sequence,
    slots: readonly [Slot, Slot],
    file: FileEntry,
    places: readonly FdinfoEntry[],
  ): void {
    const entry = bodyOf(file, 'reg');
    checkPath(entry.id, entry.name);
    const what = `open file ${String(entry.id)} (${entry.name})`;
    const how = openHow(openFlags(entry) | O.cloexec, 0, RESOLVE.noSymlinks | RESOLVE.noMagicLinks);
    // Relative to the container's root: the process may have another one by now.
    const path = this.#builder.data(cPath(`.${entry.name}`), 1);
    const args = [this.stageBase, path, this.#builder.data(how), how.length];
    sequence.syscall(what, SYS.openat2, args, { store: slots[0] });
    this.#spread(sequence, slots, places, what);
    const [place] = places;
    if (!place || entry.pos === 0n || entry.flags & O.path) return;
    sequence.syscall(`${what}: seek`, SYS.lseek, [place.fd, entry.pos, SEEK.set]);
  }

  /** Moves the descriptor in the first slot out of the way, to all its places, and closes it. */
  #spread(
    sequence: Sequence,
    [first, second]: readonly [Slot, Slot],
    places: readonly FdinfoEntry[],
    what: string,
  ): void {
    const args = [first, F_DUPFD_CLOEXEC, this.stageBase];
    sequence.syscall(what, SYS.fcntl, args, { store: second });
    sequence.syscall(what, SYS.close, [first]);
    for (const { fd, flags } of places) {
      const closeOnExec = flags & FD_CLOEXEC ? O.cloexec : 0;
      sequence.syscall(`place fd ${String(fd)}`, SYS.dup3, [second, fd, closeOnExec]);
    }
    sequence.syscall(what, SYS.close, [second]);
  }

  #closeOthers(sequence: Sequence, descriptors: readonly FdinfoEntry[]): void {
    const taken = descriptors
      .filter((one) => !this.#isLate(one))
      .map(({ fd }) => fd)
      .sort((a, b) => a - b);
    let from = 0;
    for (const fd of [...taken, this.stageBase]) {
      if (fd > from) sequence.syscall('close other files', SYS.close_range, [from, fd - 1, 0]);
      from = fd + 1;
    }
  }

  #epollTargets(nsPid: number, time: 'early' | 'forked' | 'late'): Watch[] {
    const watches: Watch[] = [];
    for (const file of this.#index.files.values()) {
      if (file.type !== 'EVENTPOLL' || !this.#index.actsFor(nsPid, file.id)) continue;
      for (const target of bodyOf(file, 'epfd').tfd) {
        const watched = this.#index.file(target.id);
        if (this.#index.timeOf(watched) === time) watches.push({ epoll: file.id, target });
      }
    }
    return watches;
  }

  #watch(sequence: Sequence, { epoll, target }: Watch): void {
    const late = this.#index.timeOf(this.#index.file(target.id)) === 'late';
    const number = late ? this.#descriptorOf(epoll) : this.staged(epoll);
    planEpollAdd(this.#builder, sequence, number, target);
  }

  /** A descriptor that an epoll instance has in the table which acts for it. */
  #descriptorOf(id: number): number {
    for (const [nsPid, table] of this.#index.image.tables) {
      if (!this.#index.actsFor(nsPid, id)) continue;
      const place = this.#index.image.fdinfo.get(table)?.find((one) => one.id === id);
      if (place) return place.fd;
    }
    return badImage(`file ${String(id)} has no descriptor`);
  }

  #finishFile(sequence: Sequence, id: number, fd: number): void {
    const file = this.#index.file(id);
    if (file.mvas_stdio !== undefined) return;
    if (file.type === 'TIMERFD') {
      planTimerfdStart(this.#builder, sequence, fd, bodyOf(file, 'tfd'));
    }
    const named = file.type === 'FIFO' ? this.#index.files.get(file.fifo?.regf_id ?? -1) : file;
    const common = named && commonOf(named);
    if (!common) return;
    if (file.type === 'EVENTPOLL' && common.flags & SETTABLE) {
      sequence.syscall(`flags of fd ${String(fd)}`, SYS.fcntl, [
        fd,
        F.setfl,
        common.flags & SETTABLE,
      ]);
    }
    if (hasOwner(common.fown, common.flags)) planOwner(this.#builder, sequence, fd, common);
  }

  /** Seals that forbid further writable mappings, by the first descriptor that may set them. */
  #sealMemfds(sequence: Sequence, nsPid: number, descriptors: readonly FdinfoEntry[]): void {
    for (const inode of this.#index.memfds.values()) {
      const seals = sealsOf(inode);
      if (!(seals & F_SEAL_FUTURE_WRITE)) continue;
      const first = [...this.#index.files.values()].find(
        ({ id, memfd }) =>
          memfd?.inode_id === Number(inode.inode_id) &&
          (memfd.flags & O.accessMode) !== O.rdonly &&
          this.#index.isPlaced(id),
      );
      if (!first || !this.#index.actsFor(nsPid, first.id)) continue;
      const fd = descriptors.find(({ id }) => id === first.id)?.fd ?? badImage('a lost memfd');
      const what = `seal memfd ${inode.name}`;
      sequence.syscall(what, SYS.fcntl, [fd, F.addSeals, seals & LATE_SEALS]);
    }
  }

  #enter(sequence: Sequence, fileId: number): void {
    const entry = bodyOf(this.#index.file(fileId), 'reg');
    checkPath(fileId, entry.name);
    const number = this.#numbers.get(fileId);
    const what = `change directory to ${entry.name}`;
    if (number !== undefined) sequence.syscall(what, SYS.fchdir, [number]);
    else sequence.syscall(what, SYS.chdir, [this.#builder.data(cPath(entry.name), 1)]);
  }
}

interface Watch {
  readonly epoll: number;
  readonly target: EventpollTfdEntry;
}

function groupById(descriptors: readonly FdinfoEntry[]): Map<number, FdinfoEntry[]> {
  const groups = new Map<number, FdinfoEntry[]>();
  for (const descriptor of descriptors) {
    const group = groups.get(descriptor.id);
    if (group) group.push(descriptor);
    else groups.set(descriptor.id, [descriptor]);
  }
  return groups;
}
