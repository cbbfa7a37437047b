// SPDX-License-Identifier: Apache-2.0
import type { StdioLinks } from '../../../common/runc-state.js';
import { call, closeFd, SYS } from '../../../native/sys.js';
import type { FileEntry, FdTypes } from '../../image/types.js';
import { readLink, readStatus } from '../../procfs/reader.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { AF, F, KCMP, O, S_IF } from './abi.js';
import { DumpContext } from './dump-context.js';
import { dumpEpoll } from './kinds/epoll.js';
import { dumpEventfd, dumpSignalfd } from './kinds/eventfd.js';
import type { FilesImage } from './files-image.js';
import { Ghosts } from './deleted/ghost.js';
import { dumpInet } from './kinds/inet.js';
import { dumpInotify } from './kinds/inotify.js';
import { compareTasks, KcmpSet } from './kcmp.js';
import { dumpLocks } from './locks.js';
import { isMemfdLink, Memfds } from './kinds/memfd.js';
import { MulticastGroups } from './sockets/multicast.js';
import { dumpNetlink } from './kinds/netlink.js';
import { inodeKey, type OpenFile } from './open-file.js';
import { dumpPidfd } from './kinds/pidfd.js';
import { dumpFifo, dumpPipe, dumpPipeData, otherEndIsGone } from './kinds/pipe.js';
import {
  dumpRegular,
  linkIsWritable,
  pathFileOf,
  pathFileOfLink,
  type PathFile,
} from './kinds/regular/dump.js';
import { getOption, SO, SocketOptions, SOL } from './sockets/socket-options.js';
import { findStdio, hasOtherEnd, isPlainPipe } from './stdio.js';
import { terminalEnd } from './kinds/terminal/terminal.js';
import { TerminalDumper } from './kinds/terminal/dump.js';
import { dumpTimerfd } from './kinds/timerfd.js';
import { UnixSockets } from './kinds/unix/dump.js';

/** A file mapping, as /proc/PID/maps has it. */
export interface FileMapping {
  readonly start: bigint;
  readonly end: bigint;
}

type Body = Omit<FileEntry, 'id'>;

/**
 * Dumps all files of the stopped processes of a container. Order of use: {@link dump},
 * {@link askCloseOnExec}, then {@link mappedFile} and {@link exeFile} as often as needed,
 * {@link finish}; {@link close} in any case.
 * Changes nothing in the processes, and runs nothing in them but what {@link askCloseOnExec} asks.
 */
export class FileDumper {
  readonly #context: DumpContext;
  readonly #ghosts: Ghosts;
  readonly #memfds: Memfds;
  readonly #options: SocketOptions;
  readonly #groups: MulticastGroups;
  readonly #sockets: UnixSockets;
  readonly #terminals: TerminalDumper;
  readonly #byPath = new Map<string, number>();
  readonly #stdioLinks: StdioLinks | undefined;
  #stdio: ReadonlyMap<number, number> = new Map();

  /**
   * Takes copies of all descriptors (pidfd_getfd(2)), which {@link close} gives up. `stdio` is what the container
   * was started with, where that is known.
   */
  constructor(processes: readonly TracedProcess[], stdio?: StdioLinks) {
    this.#stdioLinks = stdio;
    this.#context = new DumpContext(processes);
    this.#ghosts = new Ghosts(this.#context);
    this.#memfds = new Memfds(this.#context, this.#ghosts);
    this.#options = new SocketOptions(this.#context);
    this.#groups = new MulticastGroups(this.#context.init.pid);
    this.#sockets = new UnixSockets(this.#context, this.#options);
    this.#terminals = new TerminalDumper(this.#context, this.#ghosts);
  }

  /** Descriptor tables, open files, working directories, locks. Refusals are kept for {@link finish}. */
  dump(): void {
    const { open, image, processes } = this.#context;
    this.#refuseSharing();
    this.#stdio = findStdio(this.#context, this.#sockets, this.#stdioLinks);
    const types = new Map(open.files.map((file) => [file.id, this.#dumpFile(file)]));
    this.#dumpPipes();
    this.#terminals.finish();
    for (const table of open.tables) {
      for (const { nsPid } of [table.owner, ...table.sharers]) image.tables.set(nsPid, table.id);
      const descriptors = table.descriptors.map(({ fd, closeOnExec, file }) => ({
        id: file.id,
        flags: closeOnExec ? 1 : 0,
        type: types.get(file.id) ?? 'UND',
        fd,
      }));
      image.fdinfo.set(table.id, descriptors);
    }
    for (const process of processes) this.#dumpFs(process);
    dumpLocks(this.#context);
  }

  /**
   * Asks processes about descriptors of which /proc cannot tell: a file whose terminal was opened
   * close-on-exec says so of all its descriptors for ever (fs/proc/fd.c, TIOCGPTPEER).
   */
  async askCloseOnExec(): Promise<void> {
    const { open, image } = this.#context;
    for (const { id, owner, descriptors } of open.tables) {
      const unclear = descriptors.filter((one) => one.closeOnExec && isCloseOnExecFile(one.file));
      if (unclear.length === 0) continue;
      const calls = unclear.map(({ fd }) => ({ nr: SYS.fcntl, args: [fd, F.getfd] }));
      const answers = await owner.leader.remote(calls);
      const kept = new Set(unclear.filter((_, at) => answers[at] === 0n).map(({ fd }) => fd));
      const entries = image.fdinfo.get(id) ?? [];
      image.fdinfo.set(
        id,
        entries.map((entry) => (kept.has(entry.fd) ? { ...entry, flags: 0 } : entry)),
      );
    }
  }

  /**
   * The file behind a mapping of a process: id of an entry whose access mode suits the mapping. Equal
   * files of all mappings share one entry. For memfds, of a MEMFD entry.
   */
  mappedFile(process: TracedProcess, mapping: FileMapping): number {
    const range = `${mapping.start.toString(16)}-${mapping.end.toString(16)}`;
    const path = `/proc/${String(process.pid)}/map_files/${range}`;
    const where = `${process.label} mapping ${range}`;
    return this.#pathEntry(path, where, linkIsWritable(path) ? O.rdwr : O.rdonly);
  }

  /** The executable of a process. */
  exeFile(process: TracedProcess): number {
    const path = `/proc/${String(process.pid)}/exe`;
    return this.#pathEntry(path, `${process.label} executable`, O.rdonly);
  }

  /**
   * All that was dumped, once names that are not known have been looked for.
   *
   * @throws ShimError `failedPrecondition` when something was refused, `canceled`
   */
  async finish(signal?: AbortSignal): Promise<FilesImage> {
    await this.#context.names.run({ rootPid: this.#context.init.pid, signal });
    this.#context.refusals.throwIfAny();
    return this.#context.image;
  }

  close(): void {
    this.#options.close();
    this.#context.close();
  }

  #pathEntry(path: string, where: string, flags: number): number {
    const file = pathFileOfLink(path, where, flags);
    try {
      const key = `${inodeKey(file.stat)} ${String(file.mountId)} ${String(flags)} ${file.link}`;
      const known = this.#byPath.get(key) ?? this.#memfds.madeFile(file);
      if (known !== undefined) return known;
      const id = this.#context.nextId();
      this.#byPath.set(key, id);
      const entry = isMemfdLink(file.link) ? this.#mappedMemfd(file, id) : this.#regular(file, id);
      if (entry) this.#context.add({ id, ...entry });
      return id;
    } finally {
      closeFd(file.own);
    }
  }

  #mappedMemfd(file: PathFile, id: number): Body | undefined {
    const memfd = this.#memfds.dumpMapped(file, id);
    return memfd && { type: 'MEMFD', memfd };
  }

  #regular(file: PathFile, id: number): Body | undefined {
    const reg = dumpRegular(this.#context, this.#ghosts, file, id);
    return reg && { type: 'REG', reg };
  }

  /** The type of what was dumped. */
  #dumpFile(file: OpenFile): FdTypes {
    const stdio = this.#stdio.get(file.id);
    const body = stdio === undefined ? this.#body(file) : this.#stdioBody(file);
    if (!body) return 'UND';
    this.#context.add({
      id: file.id,
      ...body,
      ...(stdio === undefined ? {} : { mvas_stdio: stdio }),
    });
    return body.type;
  }

  /** Just enough for CRIU's tools to show what it was. */
  #stdioBody(file: OpenFile): Body {
    if (isPlainPipe(file)) return { type: 'PIPE', pipe: dumpPipe(this.#context, file) };
    if (file.type === S_IF.sock) return { type: 'UNIXSK', usk: this.#sockets.dumpForeign(file) };
    const { flags, fown, link: name, stat } = pathFileOf(this.#context, file);
    const mode = Number(stat.mode);
    return { type: 'REG', reg: { id: file.id, flags, pos: 0n, fown, name, mode, build_id: [] } };
  }

  #body(file: OpenFile): Body | undefined {
    if (file.type === S_IF.sock && !(file.flags & O.path)) return this.#socket(file);
    if (isPlainPipe(file)) return this.#pipe(file);
    if (file.link.startsWith('anon_inode:') || file.link.startsWith('pidfd:')) {
      return this.#anonymous(file);
    }
    if (isMemfdLink(file.link)) {
      const memfd = this.#memfds.dump(file);
      return memfd && { type: 'MEMFD', memfd };
    }
    if (!file.link.startsWith('/')) {
      const remedy = 'remedy: close it';
      this.#context.refusals.add(file.where, `${file.link} cannot be restored; ${remedy}`);
      return undefined;
    }
    return this.#named(file);
  }

  #named(file: OpenFile): Body | undefined {
    if (file.type === S_IF.fifo && !(file.flags & O.path)) return this.#fifo(file);
    if (isTerminal(file)) {
      const tty = this.#terminals.dump(file);
      return tty && { type: 'TTY', tty };
    }
    return this.#regular(pathFileOf(this.#context, file), file.id);
  }

  #anonymous(file: OpenFile): Body | undefined {
    const context = this.#context;
    const kind = /^anon_inode:\[?(\w+)/.exec(file.link)?.[1] ?? file.link.split(':')[0];
    switch (kind) {
      case 'eventfd': {
        const efd = dumpEventfd(context, file);
        return efd && { type: 'EVENTFD', efd };
      }
      case 'eventpoll':
        return { type: 'EVENTPOLL', epfd: dumpEpoll(context, file) };
      case 'signalfd': {
        const sgfd = dumpSignalfd(context, file);
        return sgfd && { type: 'SIGNALFD', sgfd };
      }
      case 'timerfd': {
        const tfd = dumpTimerfd(context, file);
        return tfd && { type: 'TIMERFD', tfd };
      }
      case 'inotify': {
        const ify = dumpInotify(context, file);
        return ify && { type: 'INOTIFY', ify };
      }
      case 'pidfd': {
        const pidfd = dumpPidfd(context, file);
        return pidfd && { type: 'PIDFD', pidfd };
      }
      default:
        context.refusals.add(file.where, `${file.link} cannot be restored; remedy: close it`);
        return undefined;
    }
  }

  #socket(file: OpenFile): Body | undefined {
    const family = getOption(file.own, SOL.socket, SO.domain);
    if (family === AF.unix) {
      const usk = this.#sockets.dump(file);
      return usk && { type: 'UNIXSK', usk };
    }
    if (family === AF.inet || family === AF.inet6) {
      const isk = dumpInet(this.#context, { options: this.#options, groups: this.#groups }, file);
      return isk && { type: 'INETSK', isk };
    }
    if (family === AF.netlink) {
      const nlsk = dumpNetlink(this.#context, this.#options, file);
      return nlsk && { type: 'NETLINKSK', nlsk };
    }
    const reason = `sockets of family ${String(family)} cannot be restored; remedy: close it`;
    this.#context.refusals.add(file.where, reason);
    return undefined;
  }

  #pipe(file: OpenFile): Body {
    const { refusals } = this.#context;
    if (!hasOtherEnd(this.#context, file) && !otherEndIsGone(file)) {
      const reason = `the other end of ${file.link} is outside the container; remedy: close it`;
      refusals.add(file.where, reason);
    }
    return { type: 'PIPE', pipe: dumpPipe(this.#context, file) };
  }

  #fifo(file: OpenFile): Body | undefined {
    const id = this.#context.nextId();
    const reg = dumpRegular(this.#context, this.#ghosts, pathFileOf(this.#context, file), id);
    if (!reg) return undefined;
    this.#context.add({ id, type: 'REG', reg });
    return { type: 'FIFO', fifo: dumpFifo(this.#context, file, id) };
  }

  #dumpPipes(): void {
    const { open, image } = this.#context;
    const seen = new Set<string>();
    for (const file of open.files) {
      const key = inodeKey(file.stat);
      const wanted = file.type === S_IF.fifo && !(file.flags & O.path) && !this.#stdio.has(file.id);
      if (!wanted || seen.has(key)) continue;
      seen.add(key);
      const data = dumpPipeData(open.ofInode(file.stat).filter((end) => !(end.flags & O.path)));
      if (!data) continue;
      if (isPlainPipe(file)) image.pipeData.push(data);
      else image.fifoData.push(data);
    }
  }

  #dumpFs(process: TracedProcess): void {
    const directory = (name: 'cwd' | 'root'): number =>
      this.#pathEntry(
        `/proc/${String(process.pid)}/${name}`,
        `${process.label} ${name} ${readLink(process.pid, name)}`,
        O.path,
      );
    const umask = readStatus(process.pid).umask;
    const entry = { cwd_id: directory('cwd'), root_id: directory('root'), umask };
    this.#context.image.fs.set(process.nsPid, entry);
  }

  #refuseShared(kind: number, words: string): void {
    const { processes, refusals } = this.#context;
    const set = new KcmpSet<TracedProcess>((a, b) => compareTasks(kind, a.pid, b.pid));
    for (const process of processes) {
      const same = set.findOrAdd(process);
      if (same === process) continue;
      refusals.add(process.label, `shares its ${words} with ${same.label}`);
    }
  }

  /** What processes must not share with each other, and threads with tables of their own. */
  #refuseSharing(): void {
    this.#refuseShared(KCMP.vm, 'memory (CLONE_VM)');
    this.#refuseShared(KCMP.fs, 'directories (CLONE_FS)');
    const { processes, refusals } = this.#context;
    for (const process of processes) {
      for (const thread of process.threads) {
        if (thread.tid === process.pid) continue;
        const own = [KCMP.files, KCMP.fs].some(
          (k) => compareTasks(k, process.pid, thread.tid) !== 0,
        );
        if (!own) continue;
        const reason = 'has descriptors or directories of its own (unshare) and cannot be restored';
        refusals.add(thread.label, reason);
      }
    }
  }
}

function isTerminal({ type, stat, flags }: OpenFile): boolean {
  return !(flags & O.path) && terminalEnd(type, Number(stat.rdev)) !== undefined;
}

/** Whether the open file itself, not a descriptor, has O_CLOEXEC. */
function isCloseOnExecFile({ own }: OpenFile): boolean {
  return (call('ask for the flags of a file', SYS.fcntl, own, F.getfl, 0) & O.cloexec) !== 0;
}
