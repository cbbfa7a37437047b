// SPDX-License-Identifier: Apache-2.0
import type { StdioLinks } from '../../../common/runtime-state.js';
import { ShimError } from '../../../common/errors.js';
import type { Warning } from '../../../common/log.js';
import { closeFd, SYS } from '../../../native/sys.js';
import type { FdTypes, FileEntry } from '../../image/types.js';
import type { LiveContent } from '../../memory/live/place-contents.js';
import type { MappedArea, MappedFile } from '../../memory/memory-map.js';
import type { ProcessLink } from '../../procfs/still-process.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { F, KCMP, O } from '../../../native/abi/index.js';
import { StoredContents } from './deleted/stored-contents.js';
import { insideIds } from '../inside-ids.js';
import { DumpContext, type DumpOptions } from './dump-context.js';
import type { FilesImage } from './files-image.js';
import { compareTasks, KcmpSet } from './kcmp.js';
import type { FileKind } from './kind.js';
import { FILE_KINDS } from './kinds/index.js';
import { REGULAR } from './kinds/regular/index.js';
import { dumpLocks } from './locks.js';
import { inodeKey, type OpenFile } from './open-file.js';
import { linkIsWritable, pathFileOfLink, type PathFile } from './path-file.js';
import { familyOf } from './sockets/family.js';
import { SocketTable } from './sockets/socket-table.js';
import { describeStdio, findStdio } from './stdio.js';
import { placeOfLink } from './system.js';

/** A link of /proc to a file. */
interface FileLink {
  readonly link: string;
  /** For messages. */
  readonly where: string;
  /** O_* flags with which a restore opens the file. */
  readonly flags: number;
}

/** A mapping of a file. A private mapping does not write to it, however the file was opened. */
type MappedRange = Pick<MappedArea, 'start' | 'end' | 'kind' | 'offset'>;

/**
 * Dumps all files of the stopped processes of a container. Order of use: {@link lookAtMapped} where that is better done early, {@link dump},
 * {@link askCloseOnExec}, then {@link mappedFile} and {@link exeFile} as often as needed,
 * {@link finish}; {@link close} in any case.
 * Changes nothing in the processes, and runs nothing in them except the calls of {@link askCloseOnExec}.
 */
export class FileDumper {
  readonly #context: DumpContext;
  readonly #byPath = new Map<string, number>();
  /** The same by the text of /proc/PID/maps, which saves a look at the files of most mappings. */
  readonly #byMapping = new Map<string, number>();
  /** Files of mappings that have been looked at and not dumped yet, with their own descriptors, by the same text. */
  readonly #looked = new Map<string, PathFile>();
  /** The same by where a link of a process leads. */
  readonly #byLink = new Map<string, number>();
  readonly #stdioLinks: StdioLinks | undefined;

  /**
   * Takes copies of all descriptors (pidfd_getfd(2)), which {@link close} closes. `stdio` is what the container was
   * started with, if that is known.
   */
  constructor(processes: readonly TracedProcess[], stdio?: StdioLinks, options?: DumpOptions) {
    this.#stdioLinks = stdio;
    this.#context = new DumpContext(processes, options);
  }

  /** Descriptor tables, open files, working directories, locks. Refusals are kept for {@link finish}. */
  dump(): void {
    const { open, image, processes } = this.#context;
    this.#refuseSharing();
    this.#context.shared(SocketTable);
    for (const kind of FILE_KINDS) kind.explore?.(this.#context);
    const types = this.#dumpFiles();
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
   * Asks processes about descriptors that /proc does not tell enough of: a file whose terminal was opened
   * close-on-exec reports all its descriptors as close-on-exec forever (fs/proc/fd.c, TIOCGPTPEER).
   */
  async askCloseOnExec(): Promise<void> {
    const { open, image } = this.#context;
    for (const { id, owner, descriptors } of open.tables) {
      const unclear = descriptors.filter((one) => one.closeOnExec && one.file.isCloseOnExecFile);
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

  /** Looks at the files behind mappings: for most of them {@link mappedFile} need not ask later what the process maps. */
  lookAtMapped(process: TracedProcess, areas: readonly MappedArea[]): void {
    let last: MappedFile | undefined;
    for (const area of areas) {
      const { file } = area;
      if (!file || file.path === last?.path || isSocket(file)) continue; // Neighbours are mostly of the same file.
      last = file;
      const { key, ...mapped } = describeMapping(process, area, file);
      if (!this.#looked.has(key)) this.#looked.set(key, this.#lookAt(mapped));
    }
  }

  /**
   * The file behind a mapping of a process: the id of an entry whose access mode suits the mapping. Equal files of
   * all mappings share one entry. For memfds it is a MEMFD entry.
   */
  mappedFile(process: TracedProcess, area: MappedRange, file: MappedFile): number {
    if (isSocket(file)) return this.#mappedSocket(process, area, file);
    const { key, ...mapped } = describeMapping(process, area, file);
    const known = this.#byMapping.get(key);
    const id = known ?? this.#entryOf(this.#looked.get(key) ?? this.#lookAt(mapped));
    this.#looked.delete(key);
    this.#byMapping.set(key, id);
    return id;
  }

  /** A socket has no path: it has to be open, too. */
  #mappedSocket(process: TracedProcess, area: MappedRange, { path }: MappedFile): number {
    const { open, refusals } = this.#context;
    const file = open.files.find(({ link }) => link === path);
    const kind = file && FILE_KINDS.find((one) => one.claims(file));
    const { start, end, kind: how, offset } = area;
    const mapping = { process, start, end, kind: how, offset };
    if (file && kind?.dumpMapping?.(this.#context, file, mapping)) return file.id;
    const where = `${process.label} memory ${start.toString(16)}-${end.toString(16)} (${path})`;
    refusals.add(where, 'a mapping of a socket is not supported; remedy: close it');
    return this.#context.nextId();
  }

  /** The executable of a process. */
  exeFile(process: TracedProcess): number {
    return this.#linkEntry(process, 'exe', O.rdonly);
  }

  /**
   * Everything that was dumped, after unknown names have been searched for.
   *
   * @throws ShimError `failedPrecondition` if anything was refused, `canceled`
   */
  async finish(signal?: AbortSignal): Promise<FilesImage> {
    for (const kind of FILE_KINDS) kind.dumpMapped?.(this.#context);
    this.#context.init.lookAt?.('names of open files');
    await this.#context.names.run({ rootPid: this.#context.init.pid, signal });
    this.#context.refusals.throwIfAny();
    return this.#insideImage();
  }

  /** The image with the ids of the container's user namespace. */
  #insideImage(): FilesImage {
    const { image, maps, refusals, open } = this.#context;
    if (maps.users.isIdentity && maps.groups.isIdentity) return image;
    const labels = new Map(open.files.map(({ id, where }) => [id, where]));
    const inside = <T>(where: string, entry: T, isStdio = false): T => {
      try {
        return insideIds(entry, maps, isStdio ? 'omit' : 'refuse');
      } catch (error) {
        refusals.add(where, `${ShimError.from(error).message}; remedy: close it`);
        return entry;
      }
    };
    const files = image.files.map((entry) =>
      inside(labels.get(entry.id) ?? 'a mapped file', entry, entry.mvas_stdio !== undefined),
    );
    const ghosts = [...image.ghosts].map(([id, ghost]) => {
      return [id, inside('a removed file', ghost)] as const;
    });
    const locks = inside('a lease', image.locks);
    const ttys = inside('a terminal', image.ttys);
    const memfds = inside('a memfd', image.memfds);
    const mqueues = inside('a message queue', image.mqueues);
    const packets = image.packets.map(({ entry, payload }) => {
      return { entry: inside(labels.get(entry.id_for) ?? 'a queue', entry), payload };
    });
    refusals.throwIfAny();
    return { ...image, files, locks, ghosts: new Map(ghosts), ttys, memfds, mqueues, packets };
  }

  /** After {@link finish}: the files whose content belongs into the VAS. They are open until {@link close}. */
  contents(): LiveContent[] {
    return this.#context.shared(StoredContents).list();
  }

  /** What is lost, to be told if the checkpoint succeeds. */
  get warnings(): readonly Warning[] {
    return this.#context.warnings;
  }

  /** Sockets that can outlive the container, until {@link close}. */
  get keepable(): readonly number[] {
    return this.#context.keepable;
  }

  close(): void {
    for (const { own } of this.#looked.values()) closeFd(own);
    this.#looked.clear();
    this.#context.close();
  }

  /** The entry of what a link of a process leads to. Most processes share it with another one. */
  #linkEntry({ pid, label, proc }: TracedProcess, name: ProcessLink, flags: number): number {
    const path = `/proc/${String(pid)}/${name}`;
    const link = proc.link(name);
    const key = `${placeOfLink(path)} ${String(flags)} ${link}`;
    const where = name === 'exe' ? `${label} executable` : `${label} ${name} ${link}`;
    const id = this.#byLink.get(key) ?? this.#entryOf(this.#lookAt({ link: path, where, flags }));
    this.#byLink.set(key, id);
    return id;
  }

  #lookAt({ link, where, flags }: FileLink): PathFile {
    return pathFileOfLink(link, where, flags, this.#context.init.lookAt);
  }

  /** Closes the file's own descriptor. */
  #entryOf(file: PathFile): number {
    const { flags } = file;
    try {
      const key = `${inodeKey(file.stat)} ${String(file.mountId)} ${String(flags)} ${file.link}`;
      const known = this.#byPath.get(key);
      if (known !== undefined) return known;
      const kind = FILE_KINDS.find((one) => one.dumpPath && one.claims(file)) ?? REGULAR;
      const id = kind.dumpPath?.(this.#context, file) ?? this.#context.nextId();
      this.#byPath.set(key, id);
      return id;
    } finally {
      closeFd(file.own);
    }
  }

  /** Dumps each file by its kind, then what kinds have in common; returns the types, by id. */
  #dumpFiles(): ReadonlyMap<number, FdTypes> {
    const context = this.#context;
    const types = new Map<number, FdTypes>();
    const byKind = new Map<FileKind, OpenFile[]>(FILE_KINDS.map((kind) => [kind, []]));
    const stdio = findStdio(context, this.#stdioLinks);
    for (const file of context.open.files) {
      const which = stdio.get(file.id);
      const kind = which === undefined ? FILE_KINDS.find((one) => one.claims(file)) : undefined;
      if (kind) byKind.get(kind)?.push(file);
      const entry =
        which === undefined
          ? describe(context, kind, file)
          : { ...describeStdio(context, file), id: file.id, mvas_stdio: which };
      if (!entry) continue;
      context.add(entry);
      types.set(file.id, entry.type);
    }
    for (const [kind, files] of byKind) kind.dumpRest?.(context, files);
    return types;
  }

  #dumpFs(process: TracedProcess): void {
    const { umask } = process.proc.status();
    const cwd_id = this.#linkEntry(process, 'cwd', O.path);
    const root_id = this.#linkEntry(process, 'root', O.path);
    this.#context.image.fs.set(process.nsPid, { cwd_id, root_id, umask });
  }

  #refuseShared(kind: number, words: string): void {
    const { processes, refusals } = this.#context;
    const set = new KcmpSet<TracedProcess>((a, b) => compareTasks(kind, a.pid, b.pid));
    for (const process of processes) {
      const same = set.findOrAdd(process);
      if (same === process) continue;
      const what = `shares its ${words} with ${same.label}`;
      refusals.add(process.label, `${what}, which is not supported; remedy: end one of them`);
    }
  }

  /** What processes must not share with each other, nor threads with tables of their own. */
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
        const what = 'has descriptors or directories of its own (unshare) and cannot be restored';
        refusals.add(thread.label, `${what}; remedy: end it`);
      }
    }
  }
}

function isSocket({ path }: MappedFile): boolean {
  return path.startsWith('socket:');
}

/** The link to what is mapped somewhere. `key`: equal for mappings of the same file, opened in the same way. */
function describeMapping(
  { pid, label }: TracedProcess,
  { start, end, kind }: MappedRange,
  { dev, inode, path, deleted }: MappedFile,
): FileLink & { readonly key: string } {
  const range = `${start.toString(16)}-${end.toString(16)}`;
  const link = `/proc/${String(pid)}/map_files/${range}`;
  const flags = kind === 'file-shared' && linkIsWritable(link) ? O.rdwr : O.rdonly;
  const key = [dev.major, dev.minor, inode, path, deleted, flags].join(' ');
  return { key, link, where: `${label} mapping ${range}`, flags };
}

/** The entry of a file; undefined if it was refused. */
function describe(
  context: DumpContext,
  kind: FileKind | undefined,
  file: OpenFile,
): FileEntry | undefined {
  if (!kind) {
    const family = familyOf(file);
    const what = family === undefined ? file.link : `sockets of family ${String(family)}`;
    context.refusals.add(file.where, `${what} cannot be restored; remedy: close it`);
    return undefined;
  }
  const body = kind.dump(context, file);
  return body && { id: file.id, type: kind.type, [kind.body]: body };
}
