// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { AF, F, MSG, O, POLL, SO, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import {
  destinationOf,
  isMapped,
  socketAddress,
  sourceOf,
  type InetAddress,
} from '../../sockets/inet-address.js';
import { planFilter } from '../../sockets/socket-filter.js';
import {
  checkRoom,
  planBuffers,
  planSocketOptions,
  setOption,
  setRaw,
} from '../../sockets/plan-options.js';
import {
  beginRepair,
  connectRepaired,
  endRepair,
  planAgreement,
  type PlannedAddress,
} from '../../sockets/tcp-repair.js';
import { REPAIR, REPAIR_OFF } from '../../sockets/tcp-repair-options.js';
import { hasSentEnd, IPV6_V6ONLY, receivesNoMore, TCP_NODELAY } from './protocols.js';
import { streamOf } from './streams.js';

const SHUT = { read: 0, write: 1 } as const;
/** MSG_TRUNC: the bytes themselves are not wanted. MSG_WAITALL: all of them are. */
const COUNT_ALL = MSG.peek | 0x20 | 0x100;
/** How long bytes may take from one end to the other, which nothing but a filter is between. */
const PATIENCE_S = 10;
/** What is needed of a buffer besides the bytes in it, as a factor and at least. */
const ROOM = { factor: 2, least: 1 << 20 } as const;
/** What a window without scaling can be, and its largest shift (RFC 7323). */
const LARGEST_WINDOW = 65535;
const LARGEST_SCALE = 14;

/** One end of a connection that is made anew. */
interface End {
  readonly entry: InetSkEntry;
  readonly number: number;
  readonly what: string;
  readonly stream: TcpStreamEntry;
  /** What it has not read, followed by what it has sent and the other end has not received. */
  readonly payload: Uint8Array;
  /** Sequence number of the first byte that it sends. */
  readonly start: number;
}

/**
 * Connections within the container. Both ends are made in repair mode, without a packet, which needs neither a
 * listening socket nor a network that lets them pass; then each sends what the other had not read, and what was on
 * its way.
 */
export class LiveConnections {
  readonly #plan: PlanContext;

  constructor(plan: PlanContext) {
    this.#plan = plan;
  }

  /** Makes both ends of a connection. Their last options are still to be set. */
  open(first: StagedFile<'isk'>, second: StagedFile<'isk'>): void {
    const [one, other] = [this.#endOf(first), this.#endOf(second)];
    this.#connect(one, other);
    this.#send(one, other);
    this.#send(other, one);
    this.#shutDown(one, other);
    this.#shutDown(other, one);
    for (const end of [one, other]) this.#settle(end);
  }

  /** Connects to a listening socket of the container, in which the connection then waits. Last options as above. */
  openWaiting(client: StagedFile<'isk'>): void {
    const { stage } = this.#plan;
    const end = this.#endOf(client);
    const { entry, number, what, payload } = end;
    this.#bind(end, end.start);
    setOption(stage, number, REPAIR, REPAIR_OFF);
    setOption(stage, number, [SOL.socket, SO.rcvbufForce], entry.opts.so_rcvbuf >>> 1);
    this.#limitWait(number, SO.sndTimeout, PATIENCE_S);
    const { at, size } = this.#address(entry, destinationOf(entry));
    stage.run(`${what}: connect`, SYS.connect, [number, at, size]);
    setOption(stage, number, TCP_NODELAY, 1);
    this.#write(end, payload);
    this.#limitWait(number, SO.sndTimeout, 0);
    if (hasSentEnd(entry.state))
      stage.run(`${what}: shut down`, SYS.shutdown, [number, SHUT.write]);
    if (entry.shutdown === 'READ')
      stage.run(`${what}: shut down`, SYS.shutdown, [number, SHUT.read]);
    this.#settle(end);
  }

  #endOf({ body: entry, number }: StagedFile<'isk'>): End {
    const { stream, payload } = streamOf(this.#plan.index.image, entry);
    const what = `file ${String(entry.id)}: connection on port ${String(entry.src_port)}`;
    return { entry, number, what, stream, payload, start: randomInt(2 ** 32) };
  }

  #connect(one: End, other: End): void {
    const { stage } = this.#plan;
    this.#bind(one, other.start);
    this.#bind(other, one.start);
    for (const { entry, number, what } of [one, other]) {
      connectRepaired(stage, what, number, this.#address(entry, destinationOf(entry)));
    }
    for (const [end, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      planAgreement(stage, end.number, end.stream);
      const windows = { sends: windowOf(peer), expects: windowOf(end) };
      endRepair(stage, end.number, peer.start, windows);
      setOption(stage, end.number, TCP_NODELAY, 1);
    }
  }

  /** A new socket in repair mode, in which its port may be any that others have. */
  #bind({ entry, number, what, start }: End, expects: number): void {
    const { stage } = this.#plan;
    const { family, type, proto, src_addr } = entry;
    stage.make(what, number, SYS.socket, [family, type | O.cloexec, proto]);
    if (family === AF.inet6) {
      const isOnly = entry.v6only === true && !isMapped(src_addr);
      setOption(stage, number, [SOL.ipv6, IPV6_V6ONLY], isOnly ? 1 : 0);
    }
    beginRepair(stage, number, { sends: start, expects });
    const { at, size } = this.#address(entry, sourceOf(entry));
    stage.run(`${what}: bind`, SYS.bind, [number, at, size]);
  }

  #address({ family }: InetSkEntry, { port, words }: InetAddress): PlannedAddress {
    const raw = socketAddress(family, port, words);
    return { at: this.#plan.stage.builder.data(raw), size: raw.length };
  }

  /** What one end had sent: what the other had not read has to arrive, the rest may wait in its queue. */
  #send(from: End, to: End): void {
    const { stage } = this.#plan;
    const unread = to.stream.inq_len;
    const bytes = Buffer.concat([
      to.payload.subarray(0, unread),
      from.payload.subarray(from.stream.inq_len),
    ]);
    if (bytes.length === 0) return;
    setOption(stage, to.number, [SOL.socket, SO.rcvbufForce], roomFor(bytes.length));
    this.#write(from, bytes);
    if (unread === 0) return;
    this.#limitWait(to.number, SO.rcvTimeout, PATIENCE_S);
    const args = [to.number, null, unread, COUNT_ALL, null, null];
    stage.run(`${to.what}: receive`, SYS.recvfrom, args, unread);
    this.#limitWait(to.number, SO.rcvTimeout, 0);
  }

  #write({ number, what }: End, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { stage } = this.#plan;
    checkRoom(stage, what, bytes.length);
    setOption(stage, number, [SOL.socket, SO.sndbufForce], roomFor(bytes.length));
    stage.sequence.write(`${what}: send`, number, stage.builder.data(bytes, 1), bytes.length);
  }

  #limitWait(number: number, option: number, seconds: number): void {
    setRaw(this.#plan.stage, number, [SOL.socket, option], [seconds, 0, 0, 0]); // struct timeval
  }

  #shutDown({ entry, number, what }: End, other: End): void {
    const { stage } = this.#plan;
    if (hasSentEnd(entry.state)) {
      stage.run(`${what}: shut down`, SYS.shutdown, [number, SHUT.write]);
      if (receivesNoMore(other.entry.state)) this.#awaitEnd(other);
    }
    if (entry.shutdown === 'READ') {
      stage.run(`${what}: shut down`, SYS.shutdown, [number, SHUT.read]);
    }
  }

  #awaitEnd({ number, what }: End): void {
    const { stage } = this.#plan;
    const polled = Buffer.alloc(8); // struct pollfd
    polled.writeInt32LE(number);
    polled.writeInt16LE(POLL.rdhup, 4);
    const args = [stage.builder.data(polled), 1, PATIENCE_S * 1000];
    stage.run(`${what}: wait for its end`, SYS.poll, args, 1);
  }

  #settle({ entry, number, what }: End): void {
    const { stage } = this.#plan;
    setOption(stage, number, TCP_NODELAY, 0);
    planSocketOptions(stage, number, entry.opts);
    planFilter(stage, number, entry.opts);
    planBuffers(stage, number, entry.opts);
    if (entry.flags & O.nonblock) stage.run(what, SYS.fcntl, [number, F.setfl, O.nonblock]);
  }
}

function roomFor(bytes: number): number {
  return ROOM.least + ROOM.factor * bytes;
}

/** What an end takes at once: all that it has not read, and as much as its buffer makes it take. */
function windowOf({ entry, stream }: End): number {
  const shift = Math.min(stream.opt_mask & 4 ? (stream.rcv_wscale ?? 0) : 0, LARGEST_SCALE);
  const wanted = Math.max(stream.inq_len, entry.opts.so_rcvbuf >>> 1);
  return Math.min(wanted, LARGEST_WINDOW * 2 ** shift);
}
