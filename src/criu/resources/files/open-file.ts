// SPDX-License-Identifier: Apache-2.0
import { fstatSync, type BigIntStats } from 'node:fs';
import { ownPid } from '../../../common/ids.js';
import { closeFd } from '../../../native/sys.js';
import type { FileLock } from '../../procfs/fdinfo-lock.js';
import { parseFdinfo, type FdInfo } from '../../procfs/fdinfo.js';
import { copyDescriptors, readFdinfo, type DescriptorCopy } from '../../procfs/reader.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { KCMP, O, S_IF } from '../../../native/abi/index.js';
import { ownLink } from './system.js';
import { compareTasks, KcmpSet, OpenFileSet } from './kcmp.js';

/** One descriptor of a table. */
export interface Descriptor {
  readonly fd: number;
  readonly closeOnExec: boolean;
  /** Locks held by its open file, and POSIX locks of its process on the inode. */
  readonly locks: readonly FileLock[];
}

/** An open file (`struct file`) of the container, however many descriptors refer to it. */
export interface OpenFile {
  readonly id: number;
  /** A process and a descriptor that has it; for one that only queues have, the process whose queue that is, and -1. */
  readonly process: TracedProcess;
  readonly fd: number;
  /** `pid 12 fd 7`, by container ids. */
  readonly where: string;
  /** A descriptor of our own process on the same open file. */
  readonly own: number;
  readonly stat: BigIntStats;
  /** S_IF* part of the mode. */
  readonly type: number;
  /** O_* flags, without O_CLOEXEC. */
  readonly flags: number;
  /** What /proc/PID/fd/FD refers to. */
  readonly link: string;
  readonly info: FdInfo;
  /** Whether it may send signals to somebody, or by a number of its own (F_SETOWN, F_SETSIG). */
  readonly mayHaveOwner: boolean;
  /** Whether the open file itself, not a descriptor, has O_CLOEXEC. */
  readonly isCloseOnExecFile: boolean;
}

/** The number of a file that only queues of sockets have. */
const IN_QUEUES = -1;

/** Whether no descriptor table has a file, only the queues of sockets. */
export function isInFlight({ fd }: OpenFile): boolean {
  return fd === IN_QUEUES;
}

/** A descriptor of ours on a file, before it is known which file that is. */
type FoundDescriptor = Omit<OpenFile, 'id' | 'stat' | 'type' | 'flags'>;

/** A descriptor table: of one process, or shared by several (CLONE_FILES). */
export interface DescriptorTable {
  readonly id: number;
  /** The process that it is read through; the others are in `sharers`. */
  readonly owner: TracedProcess;
  readonly sharers: readonly TracedProcess[];
  readonly descriptors: readonly (Descriptor & { readonly file: OpenFile })[];
}

/** Identity of what a file is a file of. */
export function inodeKey(stat: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${String(stat.dev)}:${String(stat.ino)}`;
}

/** Reads the descriptor tables of stopped processes and finds out which of them share open files. */
export class OpenFiles {
  readonly tables: readonly DescriptorTable[];
  readonly files: OpenFile[] = [];
  readonly #copies = new Set<number>();
  readonly #byInode = new Map<string, OpenFile[]>();
  /** By inode and flags: the only open file, as of most sockets, or several. */
  readonly #sets = new Map<string, OpenFile | OpenFileSet<OpenFile>>();
  readonly #nextId: () => number;

  /** Holds descriptors of our own until {@link close}, even if this throws. */
  constructor(processes: readonly TracedProcess[], nextId: () => number) {
    this.#nextId = nextId;
    try {
      this.tables = groupByTable(processes).map((group, index) =>
        this.#readTable(group, index + 1),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** All open files of an inode. */
  ofInode(stat: { readonly dev: bigint; readonly ino: bigint }): readonly OpenFile[] {
    return this.#byInode.get(inodeKey(stat)) ?? [];
  }

  /**
   * The open file that a descriptor of ours, received from the queue of a socket, is on; it takes the descriptor over.
   * One that no table has is added.
   */
  adopt(own: number, carrier: OpenFile): OpenFile {
    this.#copies.add(own);
    const info = readFdinfo(ownPid(), own);
    const { process, where } = carrier;
    const file = this.#identify({
      process,
      fd: IN_QUEUES,
      where: `${where}, in its queue`,
      own,
      link: ownLink(own),
      info,
      mayHaveOwner: true,
      isCloseOnExecFile: false,
    });
    if (file.own !== own) this.#drop(own);
    return file;
  }

  /** Closes our own descriptors. */
  close(): void {
    for (const own of this.#copies) closeFd(own);
    this.#copies.clear();
    this.files.length = 0;
  }

  #readTable(group: readonly TracedProcess[], id: number): DescriptorTable {
    const [owner, ...sharers] = group as [TracedProcess, ...TracedProcess[]];
    const copies = copyDescriptors(owner.pid);
    for (const { own } of copies) this.#copies.add(own);
    return { id, owner, sharers, descriptors: copies.map((copy) => this.#read(owner, copy)) };
  }

  #read(owner: TracedProcess, copy: DescriptorCopy): Descriptor & { file: OpenFile } {
    const { fd, own, link, mayHaveOwner, isCloseOnExecFile } = copy;
    const info = parseFdinfo(copy.info);
    const where = `${owner.label} fd ${String(fd)}`;
    const found = { process: owner, fd, where, own, link, info, mayHaveOwner, isCloseOnExecFile };
    const file = this.#identify(found);
    if (file.own !== own) this.#drop(own);
    return { fd, closeOnExec: (info.flags & O.cloexec) !== 0, locks: info.locks, file };
  }

  #drop(own: number): void {
    this.#copies.delete(own);
    closeFd(own);
  }

  #identify(found: FoundDescriptor): OpenFile {
    const { process, fd, where, own, link, info, mayHaveOwner, isCloseOnExecFile } = found;
    if (link.startsWith('/')) process.lookAt?.(where, link);
    const stat = fstatSync(own, { bigint: true });
    const flags = info.flags & ~O.cloexec;
    const inode = inodeKey(stat);
    const key = `${inode}:${String(flags)}`;
    const candidate: OpenFile = {
      id: this.#nextId(),
      process,
      fd,
      where,
      own,
      stat,
      type: Number(stat.mode) & S_IF.mask,
      flags,
      link,
      info,
      mayHaveOwner,
      isCloseOnExecFile,
    };
    const file = this.#findOrAdd(key, candidate);
    if (file === candidate) this.#keep(candidate, inode);
    return file;
  }

  #findOrAdd(key: string, candidate: OpenFile): OpenFile {
    const known = this.#sets.get(key);
    if (!known) {
      this.#sets.set(key, candidate);
      return candidate;
    }
    if (known instanceof OpenFileSet) return known.findOrAdd(candidate);
    const set = new OpenFileSet<OpenFile>();
    set.findOrAdd(known);
    this.#sets.set(key, set);
    return set.findOrAdd(candidate);
  }

  #keep(file: OpenFile, inode: string): void {
    this.files.push(file);
    const others = this.#byInode.get(inode);
    if (others) others.push(file);
    else this.#byInode.set(inode, [file]);
  }
}

/** Groups processes that share a descriptor table; keeps the order. */
function groupByTable(processes: readonly TracedProcess[]): TracedProcess[][] {
  const set = new KcmpSet<{ process: TracedProcess; members: TracedProcess[] }>((a, b) =>
    compareTasks(KCMP.files, a.process.pid, b.process.pid),
  );
  const groups: TracedProcess[][] = [];
  for (const process of processes) {
    const candidate = { process, members: [] as TracedProcess[] };
    const group = set.findOrAdd(candidate);
    if (group === candidate) groups.push(group.members);
    group.members.push(process);
  }
  return groups;
}
