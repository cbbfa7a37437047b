// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../../native/abi/index.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import {
  addressKey,
  describeAddress,
  destinationOf,
  isMapped,
  pairKey,
  sourceOf,
} from '../../sockets/inet-address.js';
import { isLocalAddress } from '../../sockets/local-address.js';
import { listConnections, type TcpDiag } from '../../sockets/sock-diag.js';
import type { SocketLook } from '../../sockets/socket-table.js';
import type { TcpInfo } from '../../sockets/tcp-info.js';
import { AcceptQueues } from './accept-queues.js';
import { receivesNoMore, waitsToBeAccepted } from './protocols.js';

const NO_LISTENER =
  'waits to be accepted in none or several of its sockets; remedy: try again once it is accepted';
const CLIENT_GONE = 'which its client has closed; remedy: try again once it is accepted';

/** A TCP socket of the container. */
export interface Connection {
  readonly file: OpenFile;
  readonly entry: InetSkEntry;
  /** What the kernel told of it when it was dumped. */
  readonly info: TcpInfo;
  readonly look: Pick<SocketLook, 'events' | 'unread'>;
}

/** Where a connection waits. */
export type Place = Required<Pick<TcpStreamEntry, 'mvas_listener' | 'mvas_turn'>>;

/** A client whose connection waits. */
export interface WaitingClient {
  readonly client: Connection;
  /** A string is the reason why it cannot be kept. */
  readonly place: Place | string;
  /** Whether anything had arrived at the other end. */
  readonly hasData: boolean;
  /** What has arrived there by now; undefined if that cannot be read. */
  readonly arrived: () => Buffer | undefined;
}

/** The end of a connection that has been accepted by nobody, and the socket that it waits in. */
interface Waiting {
  readonly client: Connection;
  readonly end: TcpDiag;
  readonly listener: Connection;
}

/** Connections that the container's sockets have not accepted yet. */
export class WaitingConnections {
  readonly #context: DumpContext;
  /** Listening sockets in which connections wait. */
  readonly #listeners: readonly Connection[];
  readonly #queues = new AcceptQueues();

  constructor(context: DumpContext, listeners: readonly Connection[]) {
    this.#context = context;
    this.#listeners = listeners.filter(({ info }) => info.pending > 0);
  }

  /** Where the connections of clients of this container wait. */
  *placesOf(clients: readonly (readonly [Connection, TcpDiag])[]): Generator<WaitingClient> {
    const turns = new Map<Connection, number>();
    const found: Waiting[] = [];
    for (const [client, end] of clients) {
      const [listener, ...others] = this.#listeners.filter((one) => waitsIn(end, one));
      if (listener && others.length === 0) found.push({ client, end, listener });
      else yield { client, place: NO_LISTENER, hasData: false, arrived: () => undefined };
    }
    const turnOf = ({ listener, end }: Waiting): number =>
      this.#queues.turnOf(listener.file, end) ?? 0;
    const inOrder = found.sort((a, b) => turnOf(a) - turnOf(b) || byAge(a, b));
    for (const { client, end, listener } of inOrder) {
      const turn = turns.get(listener) ?? 0;
      turns.set(listener, turn + 1);
      const place = { mvas_listener: listener.entry.id, mvas_turn: turn };
      const arrived = (): Buffer | undefined => this.#queues.arrivedAt(listener.file, end);
      yield { client, place, hasData: hasData(end), arrived };
    }
  }

  /** Counts the connections that wait and come from outside, given all that the container has. */
  judgeOutside(connections: readonly Connection[]): void {
    if (this.#listeners.length === 0) return;
    const ours = new Set(
      connections.map(({ entry }) => pairKey(destinationOf(entry), sourceOf(entry))),
    );
    const all = listConnections(this.#context.init.pid);
    const owned = new Set(
      all.filter(({ inode }) => inode !== 0).map(({ source, peer }) => pairKey(peer, source)),
    );
    for (const end of all) {
      const key = pairKey(end.source, end.peer);
      const listener = this.#listeners.find((one) => waitsIn(end, one));
      if (!listener || ours.has(key) || !waitsToBeAccepted(end)) continue;
      const isOutside = owned.has(key) || !isLocalAddress(this.#context.init.pid, end.peer.words);
      if (isOutside)
        listener.entry.mvas_waiting_outside = 1 + (listener.entry.mvas_waiting_outside ?? 0);
      else this.#refuseEnded(listener, end);
    }
  }

  #refuseEnded({ file }: Connection, { peer }: TcpDiag): void {
    const what = `a TCP connection from ${describeAddress(peer)} waits to be accepted`;
    this.#context.refusals.add(file.where, `${what}, ${CLIENT_GONE}`);
  }
}

/** Whether the end of a connection is in the queue of a socket, as far as addresses tell. */
function waitsIn({ source }: TcpDiag, { entry }: Connection): boolean {
  if (entry.src_port !== source.port) return false;
  const isAny = entry.src_addr.every((word) => word === 0);
  return isAny ? takes(entry, source.words) : addressKey(sourceOf(entry)) === addressKey(source);
}

/** Whether a socket that has no address of its own accepts connections to this one. */
function takes({ family, v6only }: InetSkEntry, words: readonly number[]): boolean {
  const isIPv4 = words.length === 1 || isMapped(words);
  return family === AF.inet6 ? !isIPv4 || v6only !== true : isIPv4;
}

function hasData({ received, state }: TcpDiag): boolean {
  return received > (receivesNoMore(state) ? 1n : 0n);
}

/** Which one came first; within one tick of the kernel's clock, that whose socket was made first. */
function byAge(one: Waiting, other: Waiting): number {
  return other.end.idleMs - one.end.idleMs || one.client.entry.ino - other.client.entry.ino;
}
