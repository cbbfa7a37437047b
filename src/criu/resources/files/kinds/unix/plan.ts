// SPDX-License-Identifier: Apache-2.0
import { AF, MSG, O, PR, SOCK, SOCKET_STATE } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import { badImage } from '../../../../../common/errors.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import { SharedFolders } from '../../names/folders.js';
import type { PlanContext } from '../../plan-context.js';
import type { StagedFile } from '../../kind.js';
import { SHUTDOWN_HOW } from '../../sockets/shutdown.js';
import { planFilter } from '../../sockets/socket-filter.js';
import {
  planFinalSocketOptions,
  checkRoom,
  planRoomyBuffer,
  planSocketOptions,
  planUnlockBuffer,
} from '../../sockets/plan-options.js';
import type { Stage } from '../../stage.js';
import { isUnnamed, UnixNames, words } from './names.js';

const SECBIT_NO_SETUID_FIXUP = 4;
/** The size of pieces in which a stream's data is sent, and the extra room that the buffer needs. */
const PIECE = 32 * 1024;
const OVERHEAD = 4 * 1024 * 1024;
/** About what the kernel adds to a message. */
const MESSAGE_OVERHEAD = 1024;

/** A unix socket of the image and the number it is staged at. */
interface StagedUnixSocket {
  readonly entry: UnixSkEntry;
  readonly number: number;
}

/** Creates all unix sockets: names, listeners, connections, then queues, shutdowns, options. */
export class UnixPlan {
  readonly #stage: Stage;
  readonly #sockets: readonly StagedUnixSocket[];
  readonly #packets: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly #byInode: ReadonlyMap<number, StagedUnixSocket>;
  readonly #names: UnixNames;
  readonly #done = new Set<StagedUnixSocket>();
  /** Number of a socket that can send to one whose peer is gone or unknown; closed at the end. */
  readonly #senders = new Map<StagedUnixSocket, number>();

  constructor(plan: PlanContext, files: readonly StagedFile<'usk'>[]) {
    this.#stage = plan.stage;
    this.#names = new UnixNames(plan.stage, plan.shared(SharedFolders).folders);
    this.#sockets = files.map(({ body, number }) => ({ entry: body, number }));
    this.#byInode = new Map(this.#sockets.map((socket) => [socket.entry.ino, socket]));
    const queues = new Map<number, Uint8Array[]>();
    for (const { entry, payload } of plan.index.image.packets) {
      const queue = queues.get(entry.id_for);
      if (queue) queue.push(payload);
      else queues.set(entry.id_for, [payload]);
    }
    this.#packets = queues;
  }

  plan(): void {
    for (const socket of this.#sockets) if (!this.#isPaired(socket)) this.#planAlone(socket);
    for (const socket of this.#sockets) if (this.#isPaired(socket)) this.#planPair(socket);
    for (const socket of this.#sockets) this.#planDatagramPeer(socket);
    for (const socket of this.#sockets) this.#planQueue(socket);
    for (const socket of this.#sockets) this.#planReset(socket);
    for (const number of this.#senders.values()) this.#stage.close(number);
    for (const socket of this.#sockets) this.#planEnd(socket);
  }

  /** Whether it is created by socketpair(2) or accept(2), together with another. */
  #isPaired({ entry }: StagedUnixSocket): boolean {
    if (entry.state === SOCKET_STATE.listen) return false;
    if (entry.mvas_peer_gone) return true;
    if (entry.type !== SOCK.dgram) return entry.state === SOCKET_STATE.established;
    const peer = this.#byInode.get(entry.peer);
    if (peer?.entry.peer !== entry.ino) return false;
    return isUnnamed(entry) || isUnnamed(peer.entry);
  }

  #planAlone(socket: StagedUnixSocket): void {
    const { entry, number } = socket;
    this.#socket(socket, number);
    planSocketOptions(this.#stage, number, entry.opts);
    this.#names.bind(socket);
    this.#done.add(socket);
    if (entry.state === SOCKET_STATE.listen) {
      this.#asPeer(entry, () => {
        this.#stage.run(`${words(entry)}: listen`, SYS.listen, [number, entry.backlog | 0]);
      });
    }
  }

  #planPair(socket: StagedUnixSocket): void {
    if (this.#done.has(socket)) return;
    const peer = this.#byInode.get(socket.entry.peer);
    this.#done.add(socket);
    if (!peer) {
      this.#planHalf(socket);
      return;
    }
    if (peer.entry.peer !== socket.entry.ino || peer.entry.type !== socket.entry.type) {
      badImage(`${words(socket.entry)} and its peer do not agree`);
    }
    this.#done.add(peer);
    const listener = this.#listenerOf(socket.entry) ?? this.#listenerOf(peer.entry);
    if (!listener) this.#socketPair(socket, peer.number);
    else if (sameName(listener.entry, socket.entry)) this.#accept(listener, socket, peer);
    else this.#accept(listener, peer, socket);
    for (const one of [socket, peer]) {
      planSocketOptions(this.#stage, one.number, one.entry.opts);
      if (!listener || !sameName(listener.entry, one.entry)) this.#names.bind(one);
    }
  }

  /** A socket whose peer has closed: the peer is created, sends what is unread, and is closed. */
  #planHalf(socket: StagedUnixSocket): void {
    const other = this.#stage.reserve();
    this.#senders.set(socket, other);
    const listener = this.#listenerOf(socket.entry);
    const lost = { entry: { ...socket.entry, id: socket.entry.id }, number: other };
    if (listener) this.#accept(listener, socket, lost);
    else this.#socketPair(socket, other);
    planSocketOptions(this.#stage, socket.number, socket.entry.opts);
    if (!listener) this.#names.bind(socket);
  }

  #listenerOf(entry: UnixSkEntry): StagedUnixSocket | undefined {
    if (isUnnamed(entry)) return undefined;
    return this.#sockets.find(
      (other) => other.entry.state === SOCKET_STATE.listen && sameName(other.entry, entry),
    );
  }

  #socketPair({ entry, number }: StagedUnixSocket, peer: number): void {
    this.#asPeer(entry, () => {
      this.#stage.makePair(`${words(entry)}: socketpair`, [number, peer], SYS.socketpair, {
        before: [AF.unix, entry.type | O.cloexec, 0],
        after: [],
      });
    });
  }

  /** Works as the user and group that SO_PEERCRED is to report, with all capabilities. */
  #asPeer(entry: UnixSkEntry, work: () => void): void {
    const { mvas_peer_uid: uid = 0, mvas_peer_gid: gid = 0 } = entry;
    if (uid === 0 && gid === 0) {
      work();
      return;
    }
    const what = `${words(entry)}: act as user ${String(uid)}`;
    const set = (bits: number): void => {
      this.#stage.run(what, SYS.prctl, [PR.setSecurebits, bits, 0, 0, 0]);
    };
    const become = (user: number, group: number): void => {
      this.#stage.run(what, SYS.setresgid, [-1, group, -1]);
      this.#stage.run(what, SYS.setresuid, [-1, user, -1]);
    };
    set(SECBIT_NO_SETUID_FIXUP);
    become(uid, gid);
    work();
    become(0, 0);
    set(0);
  }

  #accept(listener: StagedUnixSocket, server: StagedUnixSocket, client: StagedUnixSocket): void {
    this.#socket(client, client.number);
    this.#asPeer(server.entry, () => {
      this.#names.connect(listener.entry, `${words(client.entry)}: connect`, client.number);
    });
    const args = [listener.number, null, null, O.cloexec];
    this.#stage.make(`${words(server.entry)}: accept`, server.number, SYS.accept4, args);
  }

  #planDatagramPeer(socket: StagedUnixSocket): void {
    const { entry, number } = socket;
    if (entry.type !== SOCK.dgram || entry.peer === 0 || this.#isPaired(socket)) return;
    const peer = this.#byInode.get(entry.peer);
    if (!peer || isUnnamed(peer.entry)) badImage(`${words(entry)} has a peer without a name`);
    this.#names.connect(peer.entry, `${words(entry)}: connect`, number);
  }

  #planQueue(socket: StagedUnixSocket): void {
    const { entry } = socket;
    const packets = this.#packets.get(entry.id) ?? [];
    if (packets.length === 0) return;
    const total = packets.reduce((sum, packet) => sum + packet.length, 0);
    const peer = this.#byInode.get(entry.peer);
    const sender = peer?.number ?? this.#senderTo(socket);
    checkRoom(this.#stage, words(entry), total + packets.length * MESSAGE_OVERHEAD);
    planRoomyBuffer(this.#stage, sender, Math.min(2 * total + OVERHEAD, 0x3fffffff));
    for (const packet of packets) {
      if (entry.type !== SOCK.stream) {
        this.#send(socket, sender, packet); // An empty message is a message, too.
        continue;
      }
      for (let at = 0; at < packet.length; at += PIECE) {
        this.#send(socket, sender, packet.subarray(at, at + PIECE));
      }
    }
    if (peer) planUnlockBuffer(this.#stage, sender, peer.entry.opts);
  }

  /** Leaves unread data in the peer, which is closed next. */
  #planReset(socket: StagedUnixSocket): void {
    const { entry, number } = socket;
    const other = this.#senders.get(socket);
    if (!entry.mvas_reset || other === undefined) return;
    this.#send({ entry, number: other }, number, Uint8Array.of(0));
  }

  #send({ entry }: StagedUnixSocket, sender: number, bytes: Uint8Array): void {
    const data = this.#stage.builder.data(bytes, 1);
    const args = [sender, data, bytes.length, MSG.dontwait, null, 0];
    this.#stage.run(`${words(entry)}: fill its queue`, SYS.sendto, args, bytes.length);
  }

  /** A nameless socket that is connected to a datagram socket. */
  #senderTo(socket: StagedUnixSocket): number {
    const known = this.#senders.get(socket);
    if (known !== undefined) return known;
    if (isUnnamed(socket.entry)) badImage(`${words(socket.entry)} has a queue but no sender`);
    const number = this.#stage.reserve();
    this.#senders.set(socket, number);
    this.#socket(socket, number);
    this.#names.connect(socket.entry, `${words(socket.entry)}: reach`, number);
    return number;
  }

  #planEnd({ entry, number }: StagedUnixSocket): void {
    const how = SHUTDOWN_HOW[entry.shutdown ?? 'NONE'];
    if (how !== undefined) {
      this.#stage.attempt(`${words(entry)}: shut down`, SYS.shutdown, [number, how]);
    }
    planFilter(this.#stage, number, entry.opts); // After the queue, which came through it.
    planFinalSocketOptions(this.#stage, number, entry.opts);
    if (entry.flags & O.nonblock) {
      this.#stage.run(`${words(entry)}: flags`, SYS.fcntl, [number, 4, O.nonblock]);
    }
    this.#names.finish(entry);
  }

  #socket({ entry }: StagedUnixSocket, number: number): void {
    const args = [AF.unix, entry.type | O.cloexec, 0];
    this.#stage.make(`${words(entry)}: socket`, number, SYS.socket, args);
  }
}

function sameName(a: UnixSkEntry, b: UnixSkEntry): boolean {
  return Buffer.compare(a.name, b.name) === 0 && a.name_dir === b.name_dir;
}
