// SPDX-License-Identifier: Apache-2.0
import { type HostPid, type HostTid, INIT, type NsPid, type NsTid } from '../../../common/ids.js';
import { assertInvariant } from '../../../common/errors.js';
import type { Warning } from '../../../common/log.js';
import { Lasting } from '../../lasting.js';
import type { FileEntry } from '../../image/types.js';
import type { MountInfo } from '../../../common/procfs/mountinfo.js';
import type { IdMaps } from '../../procfs/id-map.js';
import { readIdMaps, readMountinfo, readNamespace, readStatus } from '../../procfs/reader.js';
import { containerPid, containerTid, type ProcStatus } from '../../procfs/status.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { closeFd } from '../../../native/sys.js';
import { O } from '../../../native/abi/index.js';
import { emptyFilesImage } from './files-image.js';
import { NameSearch } from './names/name-search.js';
import { OpenFiles } from './open-file.js';
import { Refusals } from './refusals.js';
import { openOwn } from './system.js';

/** Limit for the bytes of deleted files, memfds and queues of sockets in an image, all together. */
export const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

/** An option of a socket of the container, with its current value. */
export interface SocketOption {
  readonly level: number;
  readonly option: number;
  readonly value: number;
}

/** Has a socket's option restored should this process die, until that is called off. */
export type GuardOption = (socket: number, option: SocketOption) => { disarm(): void };

/** Processes that are part of a checkpoint: their host pids, and the container's ids of their threads. */
export interface Members {
  readonly pids: ReadonlySet<HostPid>;
  readonly ids: ReadonlySet<NsTid>;
}

/** What a dump of files needs besides the processes. */
export interface DumpOptions {
  readonly guardOption?: GuardOption;
  readonly keepsExecs?: boolean;
  /** The container's init; PID 1 by default. */
  readonly initPid?: HostPid;
  /** What is part of the checkpoint; by default, all that is in the container's pid namespace. */
  readonly members?: Members | undefined;
  /** What looks before this one have left. */
  readonly lasting?: Lasting;
}

const unguarded: GuardOption = () => ({ disarm: () => undefined });

/** What the dumpers of all kinds share. */
export class DumpContext {
  readonly processes: readonly TracedProcess[];
  /** The container's init; the first process if there is none. */
  readonly init: TracedProcess;
  readonly refusals = new Refusals();
  /** What is lost, to be told if the checkpoint succeeds. */
  readonly warnings: Warning[] = [];
  readonly image = emptyFilesImage();
  /** Names that are not known yet; they are filled in when all files are dumped. */
  readonly names = new NameSearch();
  readonly open: OpenFiles;
  /** Sockets that can outlive the container; see `tcp=keep`. */
  readonly keepable: number[] = [];
  /** Mounts that init sees, by id. */
  readonly mounts: ReadonlyMap<number, MountInfo>;
  /** Of the container's user namespace. The image has ids of the host until all is dumped. */
  readonly maps: IdMaps;
  #lastId = 0;
  #contentBytes = 0;
  readonly #shared = new Map<unknown, unknown>();
  readonly #closers: (() => void)[] = [];

  /** Ensures that a socket's option is restored. */
  readonly guardOption: GuardOption;

  /** Whether what came by exec is taken along. */
  readonly keepsExecs: boolean;

  /** What need not be found out, or made, at each look. */
  readonly lasting: Lasting;

  /** See {@link DumpOptions}. */
  readonly members: Members | undefined;

  constructor(
    processes: readonly TracedProcess[],
    { guardOption = unguarded, keepsExecs = false, lasting, initPid, members }: DumpOptions = {},
  ) {
    this.lasting = lasting ?? this.#ownLasting();
    this.guardOption = guardOption;
    this.keepsExecs = keepsExecs;
    const [first] = processes;
    assertInvariant(first !== undefined, 'a container has a process');
    this.processes = processes;
    const isInit = ({ pid, nsPid }: TracedProcess): boolean =>
      initPid === undefined ? nsPid === INIT : pid === initPid;
    this.init = processes.find(isInit) ?? first;
    this.members = members;
    this.mounts = new Map(readMountinfo(this.init.pid).map((mount) => [mount.id, mount]));
    this.maps = readIdMaps(this.init.pid);
    this.open = new OpenFiles(processes, () => this.nextId());
  }

  nextId(): number {
    return ++this.#lastId;
  }

  add(entry: FileEntry): number {
    this.image.files.push(entry);
    return entry.id;
  }

  /**
   * A process by its container pid; undefined if it is outside the container. It need not be a stopped one: it may
   * be a zombie that leads a group.
   */
  nsPidOf(pid: HostPid): NsPid | undefined {
    const status = this.#statusInside(pid);
    return status && containerPid(status);
  }

  /** The same for a thread. */
  nsTidOf(tid: HostTid): NsTid | undefined {
    const status = this.#statusInside(tid);
    return status && containerTid(status);
  }

  #statusInside(tid: HostTid): ProcStatus | undefined {
    try {
      const isInside = readNamespace(tid, 'pid') === readNamespace(this.init.pid, 'pid');
      const status = isInside ? readStatus(tid) : undefined;
      return status && (this.members?.pids.has(status.tgid) ?? true) ? status : undefined;
    } catch {
      return undefined; // It is gone: nobody is named.
    }
  }

  #ownLasting(): Lasting {
    const lasting = new Lasting();
    this.atClose(() => {
      lasting.close();
    });
    return lasting;
  }

  /** Takes bytes from the room for content; false if there is not enough left. */
  takeContent(bytes: number): boolean {
    if (this.#contentBytes + bytes > MAX_CONTENT_BYTES) return false;
    this.#contentBytes += bytes;
    return true;
  }

  /** This dump's only object of a class, created at its first use. */
  shared<T>(Class: new (context: DumpContext) => T): T {
    const known = this.#shared.get(Class) as T | undefined;
    if (known !== undefined) return known;
    const made = new Class(this);
    this.#shared.set(Class, made);
    return made;
  }

  /** Registers work for {@link close}. */
  atClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** One more descriptor of ours (O_PATH) on a file, which stays open until {@link close}. */
  keep(own: number): number {
    const kept = openOwn(`/proc/self/fd/${String(own)}`, O.path);
    this.atClose(() => {
      closeFd(kept);
    });
    return kept;
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
    this.open.close();
  }
}
