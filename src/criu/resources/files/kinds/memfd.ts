// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs';
import { hasMemfdExecutability } from '../../../../native/kernel-facts.js';
import { SYS } from '../../../../native/sys.js';
import { badImage } from '../../../../common/errors.js';
import type { CheckedFiles } from '../../../image/entry-kind.js';
import type { MemfdFileEntry, MemfdInodeEntry } from '../../../image/types.js';
import { F, O, SEEK, SETTABLE } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import { Ghosts, isHugetlb } from '../deleted/ghost.js';
import { planContent, planFileAttributes } from '../deleted/inode-attributes.js';
import { isLeased } from '../locks.js';
import { inodeKey, type OpenFile } from '../open-file.js';
import { dumpOwner, noOwner } from '../owner.js';
import { canWrite } from '../access.js';
import { groupBy } from '../../../../common/group-by.js';
import type { FileKind, StagedFile } from '../kind.js';
import type { PlanContext } from '../plan-context.js';
import type { TablePlan } from '../table-plan.js';
import type { PathFile } from '../path-file.js';
import type { Stage } from '../stage.js';
import { canBeDirect, fcntl, hasWriteAccess } from '../system.js';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 16;
const PREFIX = '/memfd:';
const F_SEAL_FUTURE_WRITE = 0x10;
const F_SEAL_EXEC = 0x20;
const MAX_NAME = 249;
/** All known seals (F_SEAL_*, up to F_SEAL_EXEC). */
const ALL_SEALS = 0x3f;
/** F_SEAL_SEAL and F_SEAL_FUTURE_WRITE: may only be set once all mappings exist. */
const LATE_SEALS = 0x11;

/** Memory files (memfd_create(2)): each inode with its content, and its open files. */
export const MEMFD: FileKind<'memfd'> = {
  type: 'MEMFD',
  body: 'memfd',
  isMappable: true,
  claims: ({ link }) => link.startsWith(PREFIX),
  dump: (context, file) => context.shared(Memfds).dump(file),
  dumpPath: (context, file) => context.shared(Memfds).dumpPath(file),
  checkAll,
  openAll,
  afterDrop: sealLate,
};

function isWriter({ flags }: OpenFile): boolean {
  return (flags & O.path) === 0 && canWrite(flags);
}

/** The flags of memfd_create(2) about executability, which sysctl vm.memfd_noexec demands. */
function executability({ mode = 0, seals }: MemfdInodeEntry): number {
  if (!hasMemfdExecutability()) return 0;
  return seals & F_SEAL_EXEC && !(mode & 0o111) ? MFD_NOEXEC_SEAL : MFD_EXEC;
}

/** The memory behind memfds: each inode once, its content like that of a deleted file. */
class Memfds {
  readonly #context: DumpContext;
  readonly #ghosts: Ghosts;
  readonly #ids = new Map<string, number>();
  /** By inode: the open file that memfd_create(2) made. */
  readonly #made = new Map<string, number>();

  constructor(context: DumpContext) {
    this.#context = context;
    this.#ghosts = context.shared(Ghosts);
  }

  /** An open file that a descriptor of the container refers to. */
  dump(file: OpenFile): MemfdFileEntry | undefined {
    return this.#entry(file, {
      id: file.id,
      flags: file.flags,
      pos: file.info.pos,
      fown: dumpOwner(this.#context, file),
      isMade: this.#isMade(file),
    });
  }

  /** The open file behind a mapping: the one of {@link dump} that it must be, if there is no doubt. */
  dumpPath(file: PathFile): number {
    const made = this.#made.get(inodeKey(file.stat));
    const isMade = this.#mapsMade(file);
    if (made !== undefined && isMade) return made;
    const id = this.#context.nextId();
    const { flags } = file;
    const memfd = this.#entry(file, { id, flags, pos: 0n, fown: noOwner(), isMade });
    if (memfd) this.#context.add({ id, type: 'MEMFD', memfd });
    return id;
  }

  #entry(
    { own, stat, link, where }: Pick<PathFile, 'own' | 'stat' | 'link' | 'where'>,
    { isMade, ...entry }: Omit<MemfdFileEntry, 'inode_id' | 'mvas_made'> & { isMade: boolean },
  ): MemfdFileEntry | undefined {
    const inode = this.#inode(own, stat, link, where);
    if (inode === undefined) return undefined;
    if (!isMade) return { ...entry, inode_id: inode };
    this.#made.set(inodeKey(stat), entry.id);
    return { ...entry, inode_id: inode, mvas_made: true };
  }

  /**
   * Whether an open file was made by memfd_create(2), or by open(2), which takes write access for it. Of several
   * that write, those that were opened can do direct I/O; before Linux 6.6 none can, and the first is assumed to be
   * it.
   */
  #isMade(file: OpenFile): boolean {
    if (!isWriter(file)) return false;
    const writers = this.#context.open.ofInode(file.stat).filter(isWriter);
    if (writers.length === 1) return !this.#hasWriteAccess(file);
    return writers.find(({ own }) => !canBeDirect(own)) === file;
  }

  #mapsMade(file: PathFile): boolean {
    return canWrite(file.flags) && !this.#hasWriteAccess(file);
  }

  /** For one with a lease, which is refused, it does not matter; asking would break the lease. */
  #hasWriteAccess({ own, stat }: Pick<PathFile, 'own' | 'stat'>): boolean {
    return isLeased(this.#context, stat) || hasWriteAccess(own);
  }

  /** Id of the memory that a descriptor of ours refers to; undefined if it was refused. */
  #inode(own: number, stat: BigIntStats, link: string, where: string): number | undefined {
    const known = this.#ids.get(inodeKey(stat));
    if (known !== undefined) return known;
    if (isHugetlb(own)) {
      this.#context.refusals.add(
        where,
        'a memfd of huge pages (MFD_HUGETLB) cannot be restored; remedy: close it',
      );
      return undefined;
    }
    const seals = Math.max(fcntl(own, F.getSeals), 0);
    const ends = this.#context.open.ofInode(stat);
    if (seals & F_SEAL_FUTURE_WRITE && !ends.some((end) => canWrite(end.flags))) {
      const reason = 'a memfd sealed by F_SEAL_FUTURE_WRITE with no writable descriptor left';
      this.#context.refusals.add(where, `${reason} cannot be restored; remedy: close it`);
      return undefined;
    }
    const content = this.#ghosts.dump(own, stat);
    this.#ids.set(inodeKey(stat), content);
    this.#context.image.memfds.push({
      name: link.slice(PREFIX.length).replace(/ \(deleted\)$/, ''),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: stat.size,
      shmid: content,
      seals,
      inode_id: BigInt(content),
      mode: Number(stat.mode),
    });
    return content;
  }
}

/** Their memory exists. At most one open file of each was made along with it, for reading and writing. */
function checkAll(bodies: readonly MemfdFileEntry[], { image }: CheckedFiles): void {
  const inodes = new Set(image.memfds.map(({ inode_id }) => Number(inode_id)));
  const made = new Set<number>();
  for (const { id, mvas_made: isMade, flags, inode_id: inode } of bodies) {
    if (!inodes.has(inode)) badImage(`check file ${String(id)}: its memory does not exist`);
    if (isMade !== true) continue;
    const isPossible = (flags & (O.accessMode | O.path)) === O.rdwr && !made.has(inode);
    if (!isPossible) badImage(`check file ${String(id)}: it was not made with its memory`);
    made.add(inode);
  }
}

function openAll(plan: PlanContext, files: readonly StagedFile<'memfd'>[]): void {
  const inodes = inodesOf(plan);
  for (const [id, ends] of groupBy(files, ({ body }) => body.inode_id)) {
    const inode = inodes.get(id) ?? badImage(`there is no memfd ${String(id)}`);
    const memory = make(plan, inode, ends);
    const seals = inode.seals & ALL_SEALS;
    const now = seals & F_SEAL_FUTURE_WRITE ? seals & ~LATE_SEALS : seals;
    const what = `seal memfd ${inode.name}`;
    if (now !== 0) plan.stage.run(what, SYS.fcntl, [memory, F.addSeals, now]);
    plan.stage.close(memory);
  }
}

function inodesOf({ index }: PlanContext): ReadonlyMap<number, MemfdInodeEntry> {
  return new Map(index.image.memfds.map((inode) => [Number(inode.inode_id), inode]));
}

/** Creates a memory file with its content and opens every file on it; returns its number. */
function make(
  { stage, index }: PlanContext,
  inode: MemfdInodeEntry,
  ends: readonly StagedFile<'memfd'>[],
): number {
  const content = index.image.ghosts.get(inode.shmid);
  const what = `memfd ${inode.name}`;
  if (inode.name.length > MAX_NAME) badImage(`${what.slice(0, 40)}...: name too long`);
  const memory = stage.reserve();
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | executability(inode);
  stage.make(what, memory, SYS.memfd_create, [stage.builder.string(inode.name), flags]);
  planContent(stage, memory, what, { size: inode.size, content });
  if (content) planFileAttributes(stage, memory, what, content.entry);
  for (const end of ends) openEnd(stage, memory, what, end);
  return memory;
}

/** Opens a file on a memfd again, or takes the one that was made along with the memory. */
function openEnd(
  stage: Stage,
  memory: number,
  what: string,
  { body, number }: StagedFile<'memfd'>,
): void {
  const { id, pos, flags, mvas_made: isMade } = body;
  const words = `open file ${String(id)} (${what})`;
  if (isMade === true) {
    stage.copy(words, number, memory);
    stage.run(words, SYS.fcntl, [number, F.setfl, flags & SETTABLE]);
  } else {
    stage.reopen(words, number, memory, flags & (O.accessMode | SETTABLE | O.path));
  }
  if (flags & O.path) return;
  stage.run(`${what}: position`, SYS.lseek, [number, pos, SEEK.set]);
}

/** Seals that forbid further writable mappings, by the first descriptor that may set them. */
function sealLate(table: TablePlan): void {
  const { index, sequence } = table;
  for (const inode of index.image.memfds) {
    if ((inode.seals & F_SEAL_FUTURE_WRITE) === 0) continue;
    const first = index
      .filesOf('MEMFD')
      .find(
        ({ id, memfd }) =>
          memfd?.inode_id === Number(inode.inode_id) && canWrite(memfd.flags) && index.isPlaced(id),
      );
    if (!first || !table.actsFor(first.id)) continue;
    const what = `seal memfd ${inode.name}`;
    const fd = table.descriptorOf(first.id);
    sequence.syscall(what, SYS.fcntl, [fd, F.addSeals, inode.seals & LATE_SEALS]);
  }
}
