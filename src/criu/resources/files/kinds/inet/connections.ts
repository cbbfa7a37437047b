// SPDX-License-Identifier: Apache-2.0
import { POLL, SOCKET_STATE } from '../../../../../native/abi/index.js';
import type { TcpStreamEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import { describeAddress, destinationOf, pairKey, sourceOf } from '../../sockets/inet-address.js';
import { findConnections, type TcpDiag } from '../../sockets/sock-diag.js';
import { SocketTable } from '../../sockets/socket-table.js';
import { tcpInfo } from '../../sockets/tcp-info.js';
import { isSameKey, keyFor, TcpKeys } from '../../sockets/tcp-keys.js';
import { pollNow } from '../../system.js';
import { isLocalAddress } from '../../sockets/local-address.js';
import {
  isConnection,
  isListening,
  receivesNoMore,
  TCP_STATE,
  waitsToBeAccepted,
} from './protocols.js';
import { TcpQueues, unreadBytes } from './tcp-queues.js';
import {
  WaitingConnections,
  type Connection,
  type Place,
  type WaitingClient,
} from './waiting-connections.js';

/** TCPI_OPT_TIMESTAMPS, TCPI_OPT_SACK, TCPI_OPT_WSCALE (linux/tcp.h), which are CRIU's bits as well. */
const KEPT_OPTIONS = 7;

const UNOWNED = 'has its other end in no process; remedy: try again once it has ended';
const BEGINNING = 'is being made; remedy: try again later';
const TO_ITSELF = 'leads to itself; remedy: close it';
const OTHER_KEY =
  'waits to be accepted, with another key (TCP_MD5SIG) than its listening socket has for it; remedy: try again once it is accepted';

/** What one end of a connection has besides its own state, if the other end is in the container, too. */
interface LivingEnd extends Pick<TcpStreamEntry, 'mvas_peer' | 'mvas_listener' | 'mvas_turn'> {
  /** What it has sent and the other has not received. */
  readonly unsent: Buffer;
}

/** The other end of a connection: one of the container's, or one that no process has. */
type OtherEnd = Connection | TcpDiag;

/**
 * TCP connections of a container. Nothing is asked of them that they would notice: what waits in a queue is left
 * where it is.
 */
export class TcpConnections {
  readonly #context: DumpContext;
  readonly #connections: Connection[] = [];
  readonly #listeners: Connection[] = [];
  readonly #queues: TcpQueues;

  constructor(context: DumpContext) {
    this.#context = context;
    this.#queues = new TcpQueues(context);
  }

  /** Takes up a TCP socket, unless it has neither a connection nor anything left of one. */
  add(socket: Connection): void {
    const { file, entry } = socket;
    if (isConnection(entry) || isListening(entry)) this.#context.keepable.push(file.own);
    if (isConnection(entry)) this.#connections.push(socket);
    else if (entry.state === SOCKET_STATE.listen) this.#listeners.push(socket);
    else if (entry.shutdown !== undefined) this.#addEnded(socket);
  }

  /** Once all sockets are known. */
  finish(): void {
    const others = this.#findOthers();
    const done = new Set<Connection>();
    const waiting: [Connection, TcpDiag][] = [];
    for (const connection of this.#connections) {
      if (done.has(connection)) continue;
      const other = others.get(connection);
      if (other === undefined) this.#judgeOutside(connection);
      else if (!('entry' in other)) {
        if (waitsToBeAccepted(other)) waiting.push([connection, other]);
        else this.#judgeUnowned(connection);
      } else if (other === connection) this.#refuse(connection, TO_ITSELF);
      else {
        this.#keepBoth(connection, other);
        done.add(other);
      }
    }
    this.#finishWaiting(waiting);
  }

  /** Clients whose connection nobody has accepted yet, and all others that wait. */
  #finishWaiting(clients: readonly [Connection, TcpDiag][]): void {
    const waiting = new WaitingConnections(this.#context, this.#listeners);
    for (const one of waiting.placesOf(clients)) {
      if (typeof one.place === 'string') this.#refuse(one.client, one.place);
      else this.#keepWaiting(one, one.place);
    }
    waiting.judgeOutside(this.#connections);
  }

  /** All that a client has sent is to be sent again, since the other end has read nothing. */
  #keepWaiting(waiting: WaitingClient, place: Place): void {
    const { client } = waiting;
    const problem = this.#problemOf(client) ?? this.#keyProblemOf(client, place);
    const sent = problem ?? this.#queues.sentBy(client, waiting);
    if (typeof sent === 'string') this.#refuse(client, sent);
    else this.#add(client, Buffer.alloc(0), { ...place, unsent: sent });
  }

  /** What both sides have closed, or what was reset, may have data and an error left. */
  #addEnded(socket: Connection): void {
    const { file, entry } = socket;
    if (hasError(file.own)) entry.mvas_reset = true;
    if (unreadBytes(file.own) > 0) this.#keep(socket);
  }

  /** The other end of each connection that has one in this container, or one in its network that nobody owns. */
  #findOthers(): ReadonlyMap<Connection, OtherEnd> {
    const ours = new Map(this.#connections.map((one) => [keyOf(one), one]));
    const found = new Map<Connection, OtherEnd>();
    const lonely: Connection[] = [];
    for (const one of this.#connections) {
      const other = ours.get(reverseKeyOf(one));
      if (other === undefined) lonely.push(one);
      else found.set(one, other);
    }
    const unowned = findConnections(
      this.#context.init.pid,
      lonely.map(({ entry }) => ({ source: destinationOf(entry), peer: sourceOf(entry) })),
    ).filter(({ inode }) => inode === 0);
    const others = new Map(unowned.map((one) => [pairKey(one.source, one.peer), one]));
    for (const one of lonely) {
      const other = others.get(reverseKeyOf(one));
      if (other !== undefined) found.set(one, other);
    }
    return found;
  }

  /** What leads to the outside is kept. What is being made within may have its first packet on its way. */
  #judgeOutside(connection: Connection): void {
    const { state, dst_addr } = connection.entry;
    const isBeginning = state === TCP_STATE.synSent && dst_addr.length > 0;
    if (isBeginning && isLocalAddress(this.#context.init.pid, dst_addr))
      this.#refuse(connection, BEGINNING);
    else this.#keep(connection);
  }

  /** What has been closed at the other end is as good as ended, if all of it has arrived. */
  #judgeUnowned(connection: Connection): void {
    if (receivesNoMore(connection.entry.state)) this.#keep(connection);
    else this.#refuse(connection, UNOWNED);
  }

  /** Both ends of a connection, and all that is on its way between them. */
  #keepBoth(one: Connection, other: Connection): void {
    const problem = [one, other].map((end) => this.#problemOf(end)).find((text) => text);
    if (problem !== undefined) {
      this.#refuse(one, problem);
      return;
    }
    const queues = this.#queues;
    const [there, back] = [queues.between(one, other), queues.between(other, one)];
    if (typeof there === 'string') {
      this.#refuse(one, there);
      return;
    }
    if (typeof back === 'string') {
      this.#refuse(one, back);
      return;
    }
    this.#add(one, back.unread, { mvas_peer: other.entry.id, unsent: there.unsent });
    this.#add(other, there.unread, { mvas_peer: one.entry.id, unsent: back.unsent });
  }

  /** A client cannot connect to a socket that wants another signature. */
  #keyProblemOf({ entry }: Connection, place: Place): string | undefined {
    const listener = this.#listeners.find((one) => one.entry.id === place.mvas_listener);
    const wanted = keyFor(listener?.entry.mvas_keys ?? [], sourceOf(entry));
    return isSameKey(wanted, keyFor(entry.mvas_keys, destinationOf(entry))) ? undefined : OTHER_KEY;
  }

  /** What a connection within the container cannot be restored with; finds out its keys. */
  #problemOf({ file, entry }: Connection): string | undefined {
    const { hasOwnProtocol } = this.#context.shared(SocketTable).general(file);
    if (hasOwnProtocol) return 'has a protocol of its own (TCP_ULP); remedy: close it';
    const keys = this.#context.shared(TcpKeys).of(file, 'connected');
    if (typeof keys === 'string') return `has ${keys}, which cannot be restored; remedy: close it`;
    entry.mvas_keys = keys;
    return undefined;
  }

  #add(socket: Connection, unread: Buffer, { unsent, ...where }: LivingEnd): void {
    const { entry } = socket;
    if (isShutForReading(socket)) entry.shutdown = 'READ';
    const stream = streamOf(socket, unread.length);
    if (where.mvas_peer !== undefined) stream.mvas_peer = where.mvas_peer;
    else Object.assign(stream, where);
    stream.outq_len = unsent.length;
    const payload = unsent.length > 0 ? Buffer.concat([unread, unsent]) : unread;
    this.#context.image.tcpStreams.set(entry.ino, { entry: stream, payload });
  }

  #refuse({ file, entry }: Connection, reason: string): void {
    const to = describeAddress(destinationOf(entry));
    this.#context.refusals.add(file.where, `its TCP connection to ${to} ${reason}`);
  }

  /** The state of a connection, and what it has not read. */
  #keep(socket: Connection): void {
    const { file, entry } = socket;
    const unread = this.#queues.unread(file);
    if (typeof unread === 'string') {
      this.#context.refusals.add(file.where, unread);
      return;
    }
    const stream = streamOf(socket, unread.length);
    this.#context.image.tcpStreams.set(entry.ino, { entry: stream, payload: unread });
  }
}

function keyOf({ entry }: Connection): string {
  return pairKey(sourceOf(entry), destinationOf(entry));
}

function reverseKeyOf({ entry }: Connection): string {
  return pairKey(destinationOf(entry), sourceOf(entry));
}

/** Whether anything is left of a TCP connection that has ended: unread data, or an error. */
export function hasRest(socket: number): boolean {
  return hasError(socket) || unreadBytes(socket) > 0;
}

function hasError(socket: number): boolean {
  return (pollNow(socket, 0) & POLL.err) !== 0;
}

/** Whether one end does not want to read any more (shutdown(2)), though the other may go on. */
function isShutForReading({ file, info: { state }, look }: Connection): boolean {
  if (receivesNoMore(state) || (look.events & POLL.rdhup) === 0) return false;
  return !receivesNoMore(tcpInfo(file.own).state); // Its end may have arrived meanwhile.
}

function streamOf({ info, entry }: Connection, unread: number): TcpStreamEntry {
  return {
    inq_len: unread,
    inq_seq: 0,
    outq_len: 0,
    outq_seq: 0,
    opt_mask: info.options & KEPT_OPTIONS,
    snd_wscale: info.sendScale,
    mss_clamp: info.segment,
    rcv_wscale: info.receiveScale,
    mvas_ino: entry.ino,
  };
}
