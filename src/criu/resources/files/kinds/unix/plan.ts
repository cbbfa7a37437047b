// SPDX-License-Identifier: Apache-2.0
import { AF, O, PR, SOCK, SOCKET_STATE } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import { badImage } from '../../../../../common/errors.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import { SharedFolders } from '../../names/folders.js';
import type { PlanContext } from '../../plan-context.js';
import type { StagedFile } from '../../kind.js';
import { planSocketOptions } from '../../sockets/plan-options.js';
import type { Stage } from '../../stage.js';
import { groupBy } from '../../../../../common/group-by.js';
import { isUnnamed, UnixNames, words, type LentName } from './names.js';
import {
  UnixQueuePlan,
  type FilledSocket,
  type PacketRoute,
  type QueuedPacket,
} from './queue-plan.js';

const SECBIT_NO_SETUID_FIXUP = 4;

/** A unix socket of the image and the number it is staged at. */
interface StagedUnixSocket {
  readonly entry: UnixSkEntry;
  readonly number: number;
}

/** Creates all unix sockets: names, listeners, connections. Queues are filled later: {@link UnixQueuePlan}. */
export class UnixPlan {
  readonly #context: PlanContext;
  readonly #stage: Stage;
  readonly #sockets: readonly StagedUnixSocket[];
  readonly #packets: ReadonlyMap<number, readonly QueuedPacket[]>;
  readonly #byInode: ReadonlyMap<number, StagedUnixSocket>;
  readonly #names: UnixNames;
  readonly #done = new Set<StagedUnixSocket>();
  /** Number of a socket that can send to one whose peer is gone or unknown; closed at the end. */
  readonly #senders = new Map<StagedUnixSocket, number>();
  /** The same for those that have the name of a sender: by name, and for a path by receiver. */
  readonly #lent = new Map<string, number>();

  constructor(plan: PlanContext, files: readonly StagedFile<'usk'>[]) {
    this.#context = plan;
    this.#stage = plan.stage;
    this.#names = new UnixNames(plan.stage, plan.shared(SharedFolders).folders);
    this.#sockets = files.map(({ body, number }) => ({ entry: body, number }));
    this.#byInode = new Map(this.#sockets.map((socket) => [socket.entry.ino, socket]));
    this.#packets = groupBy(plan.index.image.packets, ({ entry }) => entry.id_for);
  }

  plan(): void {
    const alone = this.#sockets.filter((one) => !isWaiting(one) && !this.#isPaired(one));
    for (const socket of alone) this.#planAlone(socket);
    for (const socket of this.#sockets) if (this.#isPaired(socket)) this.#planPair(socket);
    for (const socket of this.#sockets) this.#planDatagramPeer(socket);
    this.#planWaiting();
    const filled = this.#sockets.map((socket) => this.#planSenders(socket));
    for (const { entry } of this.#sockets) this.#names.finish(entry);
    this.#context
      .shared(UnixQueuePlan)
      .add(filled, [...this.#senders.values(), ...this.#lent.values()]);
  }

  /** Whether it is created by socketpair(2) or accept(2), together with another. */
  #isPaired({ entry }: StagedUnixSocket): boolean {
    if (entry.state === SOCKET_STATE.listen || isWaiting({ entry })) return false;
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
    if (entry.state === SOCKET_STATE.listen) this.#listen(socket, entry.backlog);
  }

  #listen({ entry, number }: StagedUnixSocket, backlog: number): void {
    this.#asPeer(entry, () => {
      this.#stage.run(`${words(entry)}: listen`, SYS.listen, [number, backlog | 0]);
    });
  }

  /** Connections that nobody has accepted, in their order; all others have been accepted by now. */
  #planWaiting(): void {
    const turnOf = ({ entry }: StagedUnixSocket): number => entry.mvas_turn ?? 0;
    const clients = this.#sockets.filter(isWaiting).sort((a, b) => turnOf(a) - turnOf(b));
    for (const [id, waiting] of groupBy(clients, ({ entry }) => entry.mvas_listener)) {
      const listener = this.#sockets.find(({ entry }) => entry.id === id);
      if (!listener) badImage(`file ${String(id)} does not listen`);
      const { backlog } = listener.entry;
      // It may have been made smaller since they came.
      if (waiting.length > backlog) this.#listen(listener, waiting.length);
      for (const client of waiting) this.#planClient(listener, client);
      if (waiting.length > backlog) this.#listen(listener, backlog);
    }
  }

  /** Its other end reports the owner of the client's socket as its peer (SO_PEERCRED). */
  #planClient({ entry: listener }: StagedUnixSocket, client: StagedUnixSocket): void {
    const { entry, number } = client;
    this.#socket(client, number);
    planSocketOptions(this.#stage, number, entry.opts);
    this.#names.bind(client);
    const { mvas_uid: uid, mvas_gid: gid } = entry.opts;
    this.#asPeer({ ...entry, mvas_peer_uid: uid, mvas_peer_gid: gid }, () => {
      this.#names.connect(listener, `${words(entry)}: connect`, number);
    });
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
    const { mvas_peer_name: name, mvas_peer_folder: folder } = socket.entry;
    const itsListener = name && this.#listenerOf({ ...socket.entry, name });
    if (listener) this.#accept(listener, socket, lost);
    else if (itsListener) this.#accept(itsListener, lost, socket);
    else this.#socketPair(socket, other);
    planSocketOptions(this.#stage, socket.number, socket.entry.opts);
    if (!listener) this.#names.bind(socket);
    if (name && !itsListener) this.#names.lend(socket.entry, { name, folder }, other);
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

  /** From which sockets the packets of a queue are sent. */
  #planSenders(socket: StagedUnixSocket): FilledSocket {
    const packets = this.#packets.get(socket.entry.id) ?? [];
    const peer = this.#byInode.get(socket.entry.peer);
    return {
      ...socket,
      peer: peer?.entry,
      lost: this.#senders.get(socket),
      packets: packets.map((packet) => ({ ...packet, ...this.#routeOf(socket, peer, packet) })),
    };
  }

  /** The number of the socket that sends a packet, and whether it has to be told where to. */
  #routeOf(
    socket: StagedUnixSocket,
    peer: StagedUnixSocket | undefined,
    { entry: { mvas_sender: name, mvas_folder: folder } }: QueuedPacket,
  ): PacketRoute {
    if (isWaiting(socket)) return { sender: socket.number }; // To its other end, which nobody has.
    if (!name) return { sender: peer?.number ?? this.#senderTo(socket) };
    if (name[0] !== 0) return { sender: this.#lentPath(socket, { name, folder }) };
    const holder = this.#sockets.find((one) => isDatagram(one.entry, name));
    if (holder?.entry.peer === socket.entry.ino) return { sender: holder.number };
    const sender = holder?.number ?? this.#lentName(socket, name);
    return { sender, to: this.#names.addressOf(socket.entry) };
  }

  /** A socket with the path of a sender, which any number of sockets can have. */
  #lentPath(socket: StagedUnixSocket, lent: LentName): number {
    const key = `${String(socket.number)} ${Buffer.from(lent.name).toString('hex')}`;
    return this.#lentOnce(key, () => {
      const number = this.#connected(socket);
      this.#names.lend(socket.entry, lent, number);
      return number;
    });
  }

  /** The socket with the abstract name of a sender, which only one can have. */
  #lentName(socket: StagedUnixSocket, name: Uint8Array): number {
    return this.#lentOnce(Buffer.from(name).toString('hex'), () => {
      const number = this.#stage.reserve();
      this.#socket(socket, number);
      this.#names.lend(socket.entry, { name }, number);
      return number;
    });
  }

  #lentOnce(key: string, make: () => number): number {
    const number = this.#lent.get(key) ?? make();
    this.#lent.set(key, number);
    return number;
  }

  /** A nameless socket that is connected to a datagram socket. */
  #senderTo(socket: StagedUnixSocket): number {
    const known = this.#senders.get(socket);
    if (known !== undefined) return known;
    const number = this.#connected(socket);
    this.#senders.set(socket, number);
    return number;
  }

  #connected(socket: StagedUnixSocket): number {
    if (isUnnamed(socket.entry)) badImage(`${words(socket.entry)} has a queue but no sender`);
    const number = this.#stage.reserve();
    this.#socket(socket, number);
    this.#names.connect(socket.entry, `${words(socket.entry)}: reach`, number);
    return number;
  }

  #socket({ entry }: StagedUnixSocket, number: number): void {
    const args = [AF.unix, entry.type | O.cloexec, 0];
    this.#stage.make(`${words(entry)}: socket`, number, SYS.socket, args);
  }
}

function isWaiting({ entry }: Pick<StagedUnixSocket, 'entry'>): boolean {
  return entry.mvas_listener !== undefined;
}

function isDatagram({ type, name }: UnixSkEntry, wanted: Uint8Array): boolean {
  return type === SOCK.dgram && Buffer.compare(name, wanted) === 0;
}

function sameName(a: UnixSkEntry, b: UnixSkEntry): boolean {
  return Buffer.compare(a.name, b.name) === 0 && a.name_dir === b.name_dir;
}
