// SPDX-License-Identifier: Apache-2.0
import { fstatSync, type BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type HostPid, ownPid } from '../../../../../common/ids.js';
import { IOCTL, MSG, POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { call, check, closeFd, SYS } from '../../../../../native/sys.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import type { MountInfo } from '../../../../../common/procfs/mountinfo.js';
import { readFdinfo } from '../../../../procfs/reader.js';
import { decodeBytes } from '../../../../../common/bytes.js';
import { ContainerRoot, withoutDeleted } from '../../names/container-path.js';
import { MAX_CONTENT_BYTES, type DumpContext, type GuardOption } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { SHUTDOWN_WORDS } from '../../sockets/shutdown.js';
import { listUnixSockets, type UnixDiag } from '../../sockets/sock-diag.js';
import { lookFromStart, peekOffset } from '../../sockets/peek-offset.js';
import { getOption, SocketOptions } from '../../sockets/socket-options.js';
import { MessageHeader, ownLink, pollNow } from '../../system.js';
import { absoluteName, spokenName } from './names.js';

const EAGAIN = -11;
const MAX_MESSAGE = 1 << 20;
const MAX_MESSAGES = 100_000;
/** Most names of one socket's file that are searched for. */
const MAX_NAMES = 64;
/** Room for one SCM_CREDENTIALS. */
const CREDENTIALS_SPACE = 32;
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
  #diag: ReadonlyMap<number, UnixDiag> | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
    this.#options = context.shared(SocketOptions);
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
    if (diag.peer === 0) addLostPeer(file, entry);
    const [uid, gid] = peerIds(file.own);
    if (uid !== NOBODY) Object.assign(entry, { mvas_peer_uid: uid, mvas_peer_gid: gid });
    if (diag.name.length > 0 && diag.name[0] !== 0) this.#addPath(file, entry);
    if (diag.state !== SOCKET_STATE.listen && hasUnread(file.own, diag)) {
      this.#dumpQueue(file, diag, entry.mvas_reset === true);
    }
    return entry;
  }

  /** An entry for the container's stdio: nothing of the socket itself is kept. */
  dumpForeign(file: OpenFile): UnixSkEntry {
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

  #sockets(): ReadonlyMap<number, UnixDiag> {
    this.#diag ??= listUnixSockets(this.#context.init.pid);
    return this.#diag;
  }

  #fileOf(inode: number, like: OpenFile): OpenFile | undefined {
    return this.#context.open.ofInode({ dev: like.stat.dev, ino: BigInt(inode) })[0];
  }

  #problem(file: OpenFile, diag: UnixDiag): string | undefined {
    if (diag.state === SOCKET_STATE.listen) {
      return diag.receiveQueue > 0
        ? 'connections wait to be accepted; remedy: try again once they are'
        : undefined;
    }
    if (diag.peer !== 0 && !this.#fileOf(diag.peer, file)) {
      const name = decodeBytes(this.#sockets().get(diag.peer)?.name ?? new Uint8Array());
      const peer = name === '' ? `socket ${String(diag.peer)}` : JSON.stringify(name);
      return `connected to ${peer} outside the container; remedy: close the connection`;
    }
    const pending =
      diag.peer === 0 && diag.state === SOCKET_STATE.established && diag.type !== SOCK.dgram;
    if (pending && (diag.shutdown & 3) !== 3) {
      return 'a connection that was not accepted yet; remedy: try again once it is';
    }
    return undefined;
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

  #dumpQueue(file: OpenFile, diag: UnixDiag, isReset: boolean): void {
    // Nothing marks the end of a stream; nor of sequenced packets once no more can arrive (unix(7)).
    const mayEnd = diag.type === SOCK.seqpacket && (diag.shutdown & 1) !== 0;
    const { init, maps } = this.#context;
    const packets = peekQueue(file.own, {
      guardOption: this.#context.guardOption,
      root: [init.pid, maps.users.toOutside(0), maps.groups.toOutside(0)],
      streamLength: diag.type === SOCK.stream ? diag.receiveQueue : 0,
      endsByNothing: diag.type === SOCK.stream || mayEnd,
      isReset,
    });
    if (typeof packets === 'string') {
      this.#context.refusals.add(file.where, packets);
      return;
    }
    for (const { payload, sender } of packets) {
      if (!this.#context.takeContent(payload.length)) {
        this.#context.refusals.add(file.where, 'too much unread data; remedy: try again later');
        return;
      }
      if (sender.length > 2 && diag.peer === 0) {
        const reason = 'unread packets whose sender has a name; remedy: try again later';
        this.#context.refusals.add(file.where, reason);
        return;
      }
      this.#context.image.packets.push({
        entry: { id_for: file.id, length: payload.length, scm: [] },
        payload,
      });
    }
  }
}

/**
 * If the peer of a connected socket has been closed: what is left of it, and the error that waits for the next call
 * (unix_getname and unix_release_sock, net/unix/af_unix.c).
 */
function addLostPeer({ own }: OpenFile, entry: UnixSkEntry): void {
  const size = Buffer.of(2, 0, 0, 0);
  if (syscall(SYS.getpeername, own, Buffer.alloc(2), size) < 0) return;
  entry.mvas_peer_gone = true;
  if ((pollNow(own, POLL.err) & POLL.err) !== 0) entry.mvas_reset = true;
}

/** Whether anything may wait in a socket. For types other than streams, empty messages count. */
function hasUnread(socket: number, { type, receiveQueue }: UnixDiag): boolean {
  return type === SOCK.stream ? receiveQueue > 0 : (pollNow(socket, POLL.in) & POLL.in) !== 0;
}

/** A message, or a piece of a stream. */
interface Packet {
  readonly payload: Uint8Array;
  readonly sender: Uint8Array;
}

/** What is known about a queue. */
interface QueueFacts {
  readonly guardOption: GuardOption;
  /** Pid, user and group of PID 1 as root, as the host sees them. */
  readonly root: readonly [pid: HostPid, uid: number, gid: number];
  /** Bytes that wait in a stream. */
  readonly streamLength: number;
  readonly endsByNothing: boolean;
  /** ECONNRESET waits for the reader at the end of a stream, or for any reader of packets. */
  readonly isReset: boolean;
}

/** Everything unread in a socket, which stays there; or why it cannot be read. */
function peekQueue(socket: number, facts: QueueFacts): Packet[] | string {
  const passCredentials = getOption(socket, SOL.socket, SO.passCred) === 1;
  if (peekOffset(socket) < 0 && !passCredentials) {
    const packet = peekStream(socket, facts.streamLength);
    if (packet) return [packet];
  }
  if (facts.isReset) {
    return 'ECONNRESET waits in it, and unread data; remedy: try again once it is read, or close it';
  }
  return lookFromStart(socket, facts.guardOption, () => peekAll(socket, facts, passCredentials));
}

/** All of a stream at once, without an offset; undefined if it does not come in one piece. */
function peekStream(socket: number, length: number): Packet | undefined {
  if (length === 0 || length > MAX_CONTENT_BYTES) return undefined;
  const message = new MessageHeader(Buffer.alloc(length), 0);
  const got = message.receive(socket, MSG.peek | MSG.dontwait);
  if (got !== length || message.flags & MSG.ctrunc) return undefined;
  return { payload: message.buffer, sender: message.sender };
}

/** Message by message; each peek moves the offset on. */
function peekAll(
  socket: number,
  { root, endsByNothing }: QueueFacts,
  passCredentials: boolean,
): Packet[] | string {
  const packets: Packet[] = [];
  const buffer = Buffer.alloc(MAX_MESSAGE);
  while (packets.length < MAX_MESSAGES) {
    const message = new MessageHeader(buffer, passCredentials ? CREDENTIALS_SPACE : 0);
    const length = message.receive(socket, MSG.peek | MSG.dontwait);
    if (length === EAGAIN || (length === 0 && endsByNothing) || isUnconnected(length))
      return packets;
    check('look at the queue of a socket', length);
    if (message.flags & MSG.ctrunc) {
      return 'descriptors (SCM_RIGHTS) wait in its queue; remedy: try again once they are received';
    }
    if (passCredentials && !isFrom(root, message)) {
      return 'messages with credentials of other senders wait in its queue; remedy: try again later';
    }
    packets.push({
      payload: Uint8Array.from(buffer.subarray(0, length)),
      sender: message.sender,
    });
  }
  return 'too many unread packets; remedy: try again later';
}

/** Whether a message has the credentials (SCM_CREDENTIALS, unix(7)) that it gets at a restore: PID 1, as root. */
function isFrom(root: QueueFacts['root'], { control }: MessageHeader): boolean {
  const ucred = [16, 20, 24].map((at) => control.readUInt32LE(at));
  return ucred.join() === root.join();
}

/** EINVAL and ENOTCONN: a stream socket that was never connected has no queue. */
function isUnconnected(result: number): boolean {
  return result === -22 || result === -107;
}

/** User and group of the peer (SO_PEERCRED); {@link NOBODY} if there is none. */
function peerIds(socket: number): [uid: number, gid: number] {
  const credentials = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(credentials.length);
  call('get SO_PEERCRED', SYS.getsockopt, socket, SOL.socket, SO.peerCred, credentials, length);
  return [credentials.readUInt32LE(4), credentials.readUInt32LE(8)];
}
