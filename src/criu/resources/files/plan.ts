// SPDX-License-Identifier: Apache-2.0
import type { NsPid, NsTid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import { LOCK_FLAG } from '../../image/constants.js';
import { bodyOf, type MappedRing } from '../../image/entry-kind.js';
import type { FdinfoEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Slot } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { AT_FDCWD, O } from '../../../native/abi/index.js';
import type { FilesImage } from './files-image.js';
import { groupBy } from '../../../common/group-by.js';
import { ImageIndex, type LaterDescriptors } from './image-index.js';
import { FILE_KINDS, kindOf } from './kinds/index.js';
import { OpenedFiles, type ReadPlan } from './kinds/regular/opened-files.js';
import { TerminalPlan } from './kinds/terminal/plan.js';
import { planLease, planPosixLock } from './locks.js';
import { checkPath } from './names/path.js';
import { planFiles } from './open-plan.js';
import { hasOwner, planOwner } from './owner.js';
import { PlanContext, type FilePlanOptions } from './plan-context.js';
import { planRaisedLimit, RLIMIT } from './raised-limit.js';
import { cPath } from './system.js';
import { TablePlan } from './table-plan.js';

const F_DUPFD_CLOEXEC = 1030;
const LAST_FD = 0xffffffff;
const FD_CLOEXEC = 1;
const DUP3_ARGUMENTS = 3;

/**
 * The operations that restore files. In the order of the plan: {@link planOpen} in PID 1, which leads its session,
 * before it forks; {@link planSession} and {@link planForeground} in leaders of other sessions; then in each
 * process {@link planPlace}, file mappings and the executable by {@link staged}, {@link planFs}, and {@link
 * planRelease} and {@link planThread} once no process that shares the table needs staged descriptors; after the drop of privileges and
 * before limits are lowered {@link planAfterDrop}.
 */
export class FilePlan {
  /** Staged descriptors have this number or higher; {@link planPlace} closes everything below. */
  readonly stageBase: number;
  readonly #plan: PlanContext;

  /**
   * @throws ShimError `dataLoss` for an image that contradicts itself, `failedPrecondition` if the new console does
   * not match the old terminals
   */
  constructor(builder: PlanBuilder, image: Valid<FilesImage>, options: FilePlanOptions) {
    const index = new ImageIndex(image, options.mounts, FILE_KINDS);
    this.#plan = new PlanContext(builder, index, options);
    this.#plan.shared(TerminalPlan);
    this.stageBase = index.base;
  }

  /** Opens every file. */
  planOpen(root: Sequence): void {
    const stage = this.#plan.begin(root);
    planRaisedLimit(stage, 'raise the limit of open files', RLIMIT.nofile);
    stage.openPath('open the root', stage.reserve(), '/', { flags: O.path | O.directory });
    planFiles(this.#plan);
    // Once the stage is complete, two numbers above it are left for moving late files.
    stage.run('stand at the root', SYS.chdir, [this.#plan.builder.string('/')]);
  }

  /** Judges what has been opened: see {@link OpenedFiles.check}. */
  checkOpened(read: ReadPlan): string[] {
    return this.#plan.shared(OpenedFiles).check(read);
  }

  /** Stages one more file in PID 1 by a path of its own /proc, after {@link planOpen}; returns its number. */
  planStaged(what: string, path: string): number {
    const { stage, builder } = this.#plan;
    const number = stage.reserve();
    const args = [AT_FDCWD, builder.string(path), O.rdwr | O.cloexec, 0];
    stage.make(what, number, SYS.openat, args);
    return number;
  }

  /** Gives a descriptor a number that it keeps, in PID 1 and what it forks, until {@link planRelease}. */
  planKept(what: string, slot: Slot): number {
    const { stage } = this.#plan;
    const number = stage.reserve();
    stage.copy(what, number, slot);
    return number;
  }

  /** In a process with descriptors of its own: takes over whatever PID 1, of which it has a pidfd, has staged. */
  planTaking(pidfd: Slot, sequence: Sequence): void {
    const { stage, builder } = this.#plan;
    planRaisedLimit({ builder, sequence }, 'raise the limit of open files', RLIMIT.nofile);
    const { base, end } = stage;
    for (let number = base; number < end; number++) {
      // Some numbers were needed for a moment only. One that is missing for another reason fails where it is needed.
      const options = { move: number, tolerate: true };
      sequence.syscall('take a staged file over', SYS.pidfd_getfd, [pidfd, number, 0], options);
    }
  }

  /** What the leader of a session does once it has made it; PID 1 does so in {@link planOpen}. */
  planSession(nsPid: NsPid, sequence: Sequence): void {
    this.#plan.shared(TerminalPlan).planSession(sequence, nsPid);
  }

  /** What the leader of a session does once all groups exist. */
  planForeground(nsPid: NsPid, sequence: Sequence): void {
    this.#plan.shared(TerminalPlan).planForeground(sequence, nsPid);
  }

  /** The number of a staged file. Throws ShimError `dataLoss` for one that is opened later. */
  staged(fileId: number): number {
    return this.#plan.staged(fileId);
  }

  /** Whether a file is mapped only where the kernel chooses. */
  mapsAnywhere(fileId: number): boolean {
    return kindOf(this.#index.file(fileId)).isMappable === 'anywhere';
  }

  /** The ring that mappings of a file show. */
  ringOf(fileId: number): MappedRing | undefined {
    const file = this.#plan.index.file(fileId);
    const kind = kindOf(file);
    return kind.ringOf?.(bodyOf(file, kind.body));
  }

  /** The process that acts for the descriptor table of a process: itself, unless it shares one. */
  tableOwner(nsPid: NsPid): NsPid {
    const table = this.#index.image.tables.get(nsPid) ?? badImage(`no table of ${String(nsPid)}`);
    return this.#index.owners.get(table) ?? nsPid;
  }

  /** Gives descriptors their numbers, and closes all others below the stage. */
  planPlace(nsPid: NsPid, sequence: Sequence): void {
    const table = this.#tableOf(nsPid, sequence);
    if (!table) return;
    for (const kind of FILE_KINDS) kind.beforePlace?.(table);
    this.#placeStaged(table);
    this.#openLater(table, 'forked');
    this.#closeOthers(table);
    for (const kind of FILE_KINDS) kind.afterPlace?.(table);
    if (nsPid === this.#index.carrier) this.#finishCarried(table);
  }

  /** Closes the staged descriptors, and takes POSIX locks, which closing would give up, and leases. */
  planRelease(nsPid: NsPid, sequence: Sequence): void {
    const descriptors = this.#index.descriptorsOf(nsPid);
    if (!descriptors) return;
    // The root, which is the first staged descriptor, is still needed for late files: see planOpen.
    const from = this.#keepsRoot(descriptors) ? this.stageBase + 1 : this.stageBase;
    sequence.syscall('close staged files', SYS.close_range, [from, LAST_FD, 0]);
    const { locks, tables } = this.#index.image;
    for (const lock of locks) {
      const mine = tables.get(lock.pid) === tables.get(nsPid);
      if (lock.flag === LOCK_FLAG.posix && mine) planPosixLock(this.#plan.builder, sequence, lock);
      if (lock.flag === LOCK_FLAG.lease && mine) planLease(sequence, lock);
    }
  }

  /** What only a thread itself can do, once all files are in place. */
  planThread(nsPid: NsPid, nsTid: NsTid, sequence: Sequence): void {
    const { tables, fdinfo } = this.#index.image;
    const descriptors = fdinfo.get(tables.get(nsPid) ?? -1);
    if (!descriptors) return;
    const table = new TablePlan(this.#plan, { nsPid, sequence }, descriptors);
    for (const kind of FILE_KINDS) kind.inThread?.(table, nsTid);
  }

  /** Working directory, root and umask. */
  planFs(nsPid: NsPid, sequence: Sequence): void {
    const entry = this.#index.image.fs.get(nsPid);
    if (!entry) badImage(`pid ${String(nsPid)} has no working directory`);
    const root = bodyOf(this.#index.file(entry.root_id), 'reg');
    if (root.name !== '/') {
      // A directory of /proc can only be found from the old root, and stays when the root changes.
      if (!this.#plan.numbers.has(entry.cwd_id))
        badImage(`pid ${String(nsPid)} is in a lost directory`);
      this.#enter(sequence, entry.root_id);
      const here = this.#plan.builder.string('.');
      sequence.syscall(`change root to ${root.name}`, SYS.chroot, [here]);
    }
    this.#enter(sequence, entry.cwd_id);
    if (entry.umask !== undefined) {
      sequence.syscall('set umask', SYS.umask, [entry.umask & 0o777]);
    }
  }

  /** Files of /proc and /sys, owners for signals, and the last steps of kinds. */
  planAfterDrop(nsPid: NsPid, sequence: Sequence): void {
    const table = this.#tableOf(nsPid, sequence);
    if (!table) return;
    this.#openLater(table, 'late');
    if (this.#keepsRoot(table.descriptors))
      sequence.syscall('close the root', SYS.close, [this.stageBase]);
    for (const kind of FILE_KINDS) kind.afterDrop?.(table);
    const seen = new Set<number>();
    for (const place of table.descriptors) {
      if (seen.has(place.id) || !table.actsFor(place.id)) continue;
      seen.add(place.id);
      this.#finishFile(table, place);
    }
  }

  /** Undefined if another process acts for the table. */
  #tableOf(nsPid: NsPid, sequence: Sequence): TablePlan | undefined {
    const descriptors = this.#index.descriptorsOf(nsPid);
    return descriptors && new TablePlan(this.#plan, { nsPid, sequence }, descriptors);
  }

  get #index(): ImageIndex {
    return this.#plan.index;
  }

  #keepsRoot(descriptors: readonly FdinfoEntry[]): boolean {
    const { late } = this.#index.laterOf(descriptors);
    return this.#plan.options.keepsRoot === true || late.length > 0;
  }

  #placeStaged({ builder, sequence, descriptors }: TablePlan): void {
    const { numbers } = this.#plan;
    const placed = descriptors.filter(({ id }) => numbers.has(id));
    if (placed.length === 0) return;
    const words = new BigUint64Array(placed.length * DUP3_ARGUMENTS);
    const rows = new Uint32Array(words.buffer);
    placed.forEach(({ id, fd, flags }, row) => {
      const at = row * 2 * DUP3_ARGUMENTS;
      rows[at] = numbers.get(id) ?? 0;
      rows[at + 2] = fd;
      rows[at + 4] = flags & FD_CLOEXEC ? O.cloexec : 0;
    });
    sequence.rows({
      nr: SYS.dup3,
      data: builder.data(new Uint8Array(words.buffer)),
      width: DUP3_ARGUMENTS,
      what: (row) => `place fd ${String(placed[row]?.fd)}`,
    });
  }

  /** Opens files which could not be opened with the others. */
  #openLater(table: TablePlan, time: keyof LaterDescriptors): void {
    const descriptors = this.#index.laterOf(table.descriptors)[time];
    if (descriptors.length === 0) return;
    const { sequence, builder } = table;
    const slots = [builder.slot(), builder.slot()] as const;
    for (const [id, places] of groupBy(descriptors, ({ id }) => id)) {
      const file = this.#index.file(id);
      const kind = kindOf(file);
      kind.openLater?.(table, bodyOf(file, kind.body), slots[0]);
      this.#spread(sequence, slots, places);
    }
  }

  /** Moves the descriptor in the first slot out of the way, then to all its places, and closes it. */
  #spread(
    sequence: Sequence,
    [first, second]: readonly [Slot, Slot],
    places: readonly FdinfoEntry[],
  ): void {
    const what = `make room for fd ${places.map(({ fd }) => fd).join()}`;
    const args = [first, F_DUPFD_CLOEXEC, this.stageBase];
    sequence.syscall(what, SYS.fcntl, args, { store: second });
    sequence.syscall(what, SYS.close, [first]);
    for (const { fd, flags } of places) {
      const closeOnExec = flags & FD_CLOEXEC ? O.cloexec : 0;
      sequence.syscall(`place fd ${String(fd)}`, SYS.dup3, [second, fd, closeOnExec]);
    }
    sequence.syscall(what, SYS.close, [second]);
  }

  #closeOthers({ sequence, descriptors }: TablePlan): void {
    const late = new Set(this.#index.laterOf(descriptors).late);
    const early = late.size === 0 ? descriptors : descriptors.filter((one) => !late.has(one));
    const taken = early.map(({ fd }) => fd).sort((a, b) => a - b);
    let from = 0;
    for (const fd of [...taken, this.stageBase]) {
      if (fd > from) sequence.syscall('close other files', SYS.close_range, [from, fd - 1, 0]);
      from = fd + 1;
    }
  }

  #finishFile(table: TablePlan, { id, fd }: FdinfoEntry): void {
    const file = this.#index.file(id);
    if (file.mvas_stdio !== undefined) return;
    const kind = kindOf(file);
    kind.finish?.(table, bodyOf(file, kind.body), fd);
    const common = this.#index.commonOf(file);
    if (!common || !hasOwner(common.fown, common.flags)) return;
    planOwner(table.builder, table.sequence, fd, common);
  }

  /** The last steps of files that only queues have, which have no owner for signals. */
  #finishCarried(table: TablePlan): void {
    const { image } = this.#index;
    const ids = image.packets.flatMap(({ entry }) => entry.scm.flatMap(({ rights }) => rights));
    for (const id of new Set(ids)) {
      const file = this.#index.file(id);
      if (this.#index.isPlaced(id) || file.mvas_stdio !== undefined) continue;
      const kind = kindOf(file);
      kind.finish?.(table, bodyOf(file, kind.body), this.#plan.number(id));
    }
  }

  #enter(sequence: Sequence, fileId: number): void {
    const entry = bodyOf(this.#index.file(fileId), 'reg');
    checkPath(fileId, entry.name);
    const number = this.#plan.numbers.get(fileId);
    const what = `change directory to ${entry.name}`;
    if (number !== undefined) sequence.syscall(what, SYS.fchdir, [number]);
    else sequence.syscall(what, SYS.chdir, [this.#plan.builder.data(cPath(entry.name), 1)]);
  }
}
