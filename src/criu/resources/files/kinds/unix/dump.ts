// SPDX-License-Identifier: Apache-2.0
import { fstatSync, type BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownPid } from '../../../../../common/ids.js';
import {
  AF,
  IOCTL,
  S_IF,
  SCM,
  SO,
  SOCK,
  SOCKET_STATE,
  SOL,
} from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { call, closeFd, SYS } from '../../../../../native/sys.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import type { MountInfo } from '../../../../../common/procfs/mountinfo.js';
import { readFdinfo } from '../../../../procfs/reader.js';
import { decodeBytes } from '../../../../../common/bytes.js';
import { ContainerRoot, withoutDeleted } from '../../names/container-path.js';
import { opensLater } from '../../opens-later.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { SHUTDOWN_WORDS } from '../../sockets/shutdown.js';
import { listUnixSockets, type UnixDiag } from '../../sockets/sock-diag.js';
import { getOption } from '../../sockets/get-option.js';
import { SocketOptions } from '../../sockets/socket-options.js';
import { ownLink } from '../../system.js';
import { familyOf } from '../../sockets/family.js';
import { absoluteName, spokenName } from './names.js';
import { lostPeer, RECEIVE, UnixQueues, type Packet } from './queues.js';
import { Senders } from './senders.js';
import { WaitingUnix } from './waiting.js';

/** Most names of one socket's file that are searched for. */
const MAX_NAMES = 64;
const NOBODY = 0xffffffff;

/** The file that a unix socket is bound to. */
interface BoundFile {
  readonly file: OpenFile;
  readonly entry: UnixSkEntry;
  readonly stat: BigIntStats;
  readonly mount: MountInfo;
  /** Its path as the kernel reports it. */
  readonly link: string;
}

/** Dumps unix sockets: names, peers, queues. */
export class UnixSockets {
  readonly #context: DumpContext;
  readonly #options: SocketOptions;
  readonly #queues: UnixQueues;
  readonly #senders: Senders;
  readonly #waiting: WaitingUnix;
  #diag: ReadonlyMap<number, UnixDiag> | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
    this.#options = context.shared(SocketOptions);
    this.#queues = new UnixQueues(context);
    this.#waiting = new WaitingUnix(context, () => this.#sockets());
    this.#senders = new Senders(
      context,
      () => this.#sockets(),
      (inode) => context.open.files.some(({ stat }) => stat.ino === BigInt(inode)),
    );
  }

  /** Whether the peer of a connected socket is outside the container. */
  hasForeignPeer(file: OpenFile): boolean {
    const peer = this.#sockets().get(Number(file.stat.ino))?.peer ?? 0;
    return peer !== 0 && this.#fileOf(peer, file) === undefined;
  }

  dump(file: OpenFile): UnixSkEntry | undefined {
    const diag = this.#sockets().get(Number(file.stat.ino));
    const problem = diag
      ? this.#problem(file, diag)
      : 'a unix socket of another network namespace cannot be restored; remedy: close it';
    if (!diag || problem !== undefined) {
      this.#context.refusals.add(file.where, problem ?? '');
      return undefined;
    }
    const entry: UnixSkEntry = {
      id: file.id,
      ino: diag.inode,
      type: diag.type,
      state: diag.state,
      flags: file.flags,
      uflags: 0,
      backlog: diag.state === SOCKET_STATE.listen ? diag.sendQueue : 0,
      peer: diag.peer,
      fown: dumpOwner(this.#context, file),
      opts: this.#options.dump(file),
      name: diag.name,
      shutdown: SHUTDOWN_WORDS[diag.shutdown & 3],
      mvas_paths: [],
    };
    const place = this.#waiting.placeOf(diag);
    if (place) Object.assign(entry, place);
    else if (diag.peer === 0) this.#addLostPeer(file, entry);
    const [uid, gid] = peerIds(file.own);
    if (uid !== NOBODY) Object.assign(entry, { mvas_peer_uid: uid, mvas_peer_gid: gid });
    if (diag.name.length > 0 && diag.name[0] !== 0) this.#addPath(file, entry);
    if (diag.state !== SOCKET_STATE.listen) this.#dumpQueue(file, diag);
    return entry;
  }

  /** An entry for the container's stdio: nothing of the socket itself is kept. */
  dumpForeign(file: OpenFile): UnixSkEntry {
    const diag = this.#sockets().get(Number(file.stat.ino));
    const queue = diag && diag.state !== SOCKET_STATE.listen ? this.#queues.read(file, diag) : [];
    if (typeof queue !== 'string' && queue.some(({ rights }) => rights.length > 0)) {
      this.#context.refusals.add(
        file.where,
        `descriptors (SCM_RIGHTS) wait in its queue; ${RECEIVE}`,
      );
    }
    const option = (name: number): number => getOption(file.own, SOL.socket, name) ?? 0;
    return {
      id: file.id,
      ino: Number(file.stat.ino & 0xffffffffn),
      type: option(SO.type),
      state: SOCKET_STATE.established,
      flags: file.flags,
      uflags: 0,
      backlog: 0,
      peer: 0,
      fown: dumpOwner(this.#context, file),
      opts: this.#options.dump(file),
      name: new Uint8Array(),
      mvas_paths: [],
    };
  }

  /** Finds the open files that wait in queues of unix sockets, and in queues of these. */
  explore(): void {
    // The files become more meanwhile.
    for (const file of this.#context.open.files) {
      if (file.type !== S_IF.sock || familyOf(file) !== AF.unix) continue;
      const diag = this.#sockets().get(Number(file.stat.ino));
      if (diag && diag.state !== SOCKET_STATE.listen) this.#queues.read(file, diag);
    }
  }

  #sockets(): ReadonlyMap<number, UnixDiag> {
    this.#diag ??= listUnixSockets(this.#context.init.pid);
    return this.#diag;
  }

  #fileOf(inode: number, like: OpenFile): OpenFile | undefined {
    return this.#context.open.ofInode({ dev: like.stat.dev, ino: BigInt(inode) })[0];
  }

  #problem(file: OpenFile, diag: UnixDiag): string | undefined {
    if (diag.state === SOCKET_STATE.listen) return this.#waiting.problem(file, diag);
    if (diag.peer !== 0 && !this.#fileOf(diag.peer, file)) {
      const name = decodeBytes(this.#sockets().get(diag.peer)?.name ?? new Uint8Array());
      const peer = name === '' ? `socket ${String(diag.peer)}` : JSON.stringify(name);
      return `connected to ${peer} outside the container; remedy: close the connection`;
    }
    const pending =
      diag.peer === 0 && diag.state === SOCKET_STATE.established && diag.type !== SOCK.dgram;
    const isKnown = this.#waiting.placeOf(diag) !== undefined;
    if (pending && (diag.shutdown & 3) !== 3 && !isKnown) {
      return 'a connection that was not accepted yet; remedy: try again once it is';
    }
    return undefined;
  }

  /** If the peer of a connected socket has been closed: what is left of it. */
  #addLostPeer({ own, where }: OpenFile, entry: UnixSkEntry): void {
    const lost = lostPeer(own);
    if (!lost) return;
    entry.mvas_peer_gone = true;
    if (lost.isReset) entry.mvas_reset = true;
    const name = this.#senders.lost(entry.type, lost.name);
    if (typeof name === 'string') this.#context.refusals.add(where, name);
    else Object.assign(entry, name);
  }

  #addPath(file: OpenFile, entry: UnixSkEntry): void {
    const bound = syscall(SYS.ioctl, file.own, IOCTL.unixFile, 0);
    if (bound < 0) return;
    try {
      const stat = fstatSync(bound, { bigint: true });
      entry.mnt_id = readFdinfo(ownPid(), bound).mountId;
      entry.file_perms = {
        mode: Number(stat.mode),
        uid: Number(stat.uid),
        gid: Number(stat.gid),
      };
      const mount = this.#context.mounts.get(entry.mnt_id);
      if (mount) this.#addName({ file, entry, stat, mount, link: ownLink(bound) });
      else {
        const name = spokenName(entry);
        this.#context.refusals.add(
          file.where,
          `bound to ${name}, outside the container; remedy: close it`,
        );
      }
    } finally {
      closeFd(bound);
    }
  }

  /** The file of a socket: at the name that the socket was bound to, at others, or nowhere. */
  #addName(bound: BoundFile): void {
    const { entry, stat, mount, link } = bound;
    const isThere = this.#context.shared(ContainerRoot).leadsTo(link, stat);
    if (isThere) this.#addPlace(entry, link);
    else Object.assign(entry, { deleted: true, mvas_folder: mount.mountPoint });
    const others = Number(stat.nlink) - (isThere ? 1 : 0);
    if (others > 0) this.#wantNames(bound, Math.min(others, MAX_NAMES));
  }

  /** A file that lies where the name of its socket leads, or elsewhere. */
  #addPlace(entry: UnixSkEntry, link: string): void {
    const name = spokenName(entry);
    if (!name.startsWith('/')) entry.name_dir = this.#folderOfRelative(name, link);
    const spoken = dirname(absoluteName(entry));
    const folder = this.#context.shared(ContainerRoot).folderAt(spoken);
    if (folder === undefined || link !== join(folder, basename(name))) entry.mvas_paths = [link];
    else if (folder !== spoken) entry.mvas_folder = folder;
  }

  /** Starts a search for further names of a socket's file. */
  #wantNames({ entry, stat, mount, link }: BoundFile, count: number): void {
    const { names } = this.#context;
    const root = this.#context.shared(ContainerRoot);
    const known = new Set(entry.deleted ? [] : [link]);
    for (let i = 0; i < count; i++) {
      names.want({
        inode: stat.ino,
        mounts: [mount.mountPoint],
        near: dirname(withoutDeleted(link)),
        accepts: ({ path }) => {
          if (known.has(path) || !root.leadsTo(path, stat)) return false;
          known.add(path);
          return true;
        },
        settle: (path) => {
          if (path === undefined) return;
          entry.deleted = false;
          delete entry.mvas_folder;
          entry.mvas_paths = [...known];
        },
      });
    }
  }

  /** The folder in which a relative name was bound, given the path of its file. */
  #folderOfRelative(name: string, path: string): string {
    const plain = name.replace(/^(\.\/)+/, '');
    if (path.endsWith(`/${plain}`)) return path.slice(0, -plain.length - 1) || '/';
    const { processes } = this.#context;
    const root = this.#context.shared(ContainerRoot);
    const folders = processes.map(({ proc }) => proc.link('cwd'));
    const leadsThere = (folder: string): boolean =>
      root.folderAt(`${folder}/${dirname(name)}`) === dirname(path);
    return folders.find(leadsThere) ?? dirname(path);
  }

  /** What its queue holds, which {@link explore} has read, or that of its other end, which nobody has accepted. */
  #dumpQueue(file: OpenFile, diag: UnixDiag): void {
    const isWaiting = this.#waiting.placeOf(diag) !== undefined;
    const packets = isWaiting ? this.#waiting.sentBy(file) : this.#queues.read(file, diag);
    if (typeof packets === 'string') {
      // The listening socket says it of those that wait.
      if (!isWaiting) this.#context.refusals.add(file.where, packets);
      return;
    }
    for (const packet of packets) {
      const problem = this.#addPacket(file, diag, packet);
      if (problem === undefined) continue;
      this.#context.refusals.add(file.where, problem);
      return;
    }
  }

  /** Adds a packet to the image, or says why that cannot be. */
  #addPacket(file: OpenFile, diag: UnixDiag, packet: Packet): string | undefined {
    const { payload, rights, credentials } = packet;
    if (!this.#context.takeContent(payload.length)) {
      return 'too much unread data; remedy: try again later';
    }
    const late = rights.find((one) => opensLater(this.#context, one));
    if (late)
      return `${late.link} waits in its queue (SCM_RIGHTS) and cannot be restored there; ${RECEIVE}`;
    const sender = this.#senders.describe(diag, packet.sender);
    if (typeof sender === 'string') return sender;
    const ids = rights.map(({ id }) => id);
    const scm = ids.length > 0 ? [{ type: SCM.rights, rights: ids }] : [];
    const entry = { id_for: file.id, length: payload.length, scm, ...credentials, ...sender };
    this.#context.image.packets.push({ entry, payload });
    return undefined;
  }
}

/** User and group of the peer (SO_PEERCRED); {@link NOBODY} if there is none. */
function peerIds(socket: number): [uid: number, gid: number] {
  const credentials = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(credentials.length);
  call('get SO_PEERCRED', SYS.getsockopt, socket, SOL.socket, SO.peerCred, credentials, length);
  return [credentials.readUInt32LE(4), credentials.readUInt32LE(8)];
}
