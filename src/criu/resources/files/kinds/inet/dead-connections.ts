// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { AF, O, SO, SOCK, SOCKET_STATE, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { InetSkEntry } from '../../../../image/types.js';
import type { PlanContext } from '../../plan-context.js';
import { planFree } from '../../sockets/freebind.js';
import { ADDRESS_SIZE, isMapped, socketAddress } from '../../sockets/inet-address.js';
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
  type PlannedAddress,
} from '../../sockets/tcp-repair.js';
import { planKeys } from '../../sockets/tcp-keys.js';
import { IPV6_V6ONLY, TCP_STATE } from './protocols.js';

/** ::ffff:127.0.0.1, ::1, 127.0.0.1. */
const LOOPBACK = {
  mapped: [0, 0, 0xffff0000, 0x0100007f],
  [AF.inet6]: [0, 0, 0, 0x01000000],
  [AF.inet]: [0x0100007f],
} as const;
/** Bytes that either end takes at once. */
const WINDOWS = { sends: 65535, expects: 65535 } as const;
const SHUT_WRITE = 1;
const V6ONLY = [SOL.ipv6, IPV6_V6ONLY] as const;
/** How long the end of a connection may take to come: nothing is in its way on the loopback interface. */
const PATIENCE_MS = 10_000;
/** What is needed of a buffer besides the bytes in it, as a factor and at least. */
const ROOM = { factor: 2, least: 1 << 20 } as const;

/** What the other end had sent before it died: the end of the stream, a reset. */
interface Death {
  readonly isEnded: boolean;
  readonly isReset: boolean;
}

/**
 * Connections whose other end is not there any more: each is made, without a packet, to a socket of ours on the
 * loopback interface, which then dies. Reading gives what had not been read, then ECONNRESET.
 */
export class DeadConnections {
  readonly #plan: PlanContext;
  /** The number of the other end, of one connection after the other. */
  #other: number | undefined;

  constructor(plan: PlanContext) {
    this.#plan = plan;
  }

  /** Makes a socket whose connection has ended; before any that listens. Its last options are still to be set. */
  open(entry: InetSkEntry, number: number): void {
    const { stage } = this.#plan;
    const { opts, family } = entry;
    const what = `file ${String(entry.id)}: connection on port ${String(entry.src_port)}`;
    if (entry.state === TCP_STATE.synSent) this.#refuse(entry, number, what);
    else this.#end(entry, number, what);
    planSocketOptions(stage, number, opts);
    planFilter(stage, number, opts);
    planKeys(stage, number, entry);
    if (family === AF.inet6) setOption(stage, number, V6ONLY, entry.v6only ? 1 : 0);
    this.#bind(entry, number, what);
    planBuffers(stage, number, opts);
  }

  /** Connects to a port that nobody listens on. */
  #refuse(entry: InetSkEntry, number: number, what: string): void {
    const { stage } = this.#plan;
    this.#make(entry, number, what);
    const other = this.#otherEnd(entry, what);
    const { at, size } = this.#boundTo(entry, other, what);
    stage.attempt(`${what}: connect`, SYS.connect, [number, at, size]); // EINPROGRESS where it does not block
    stage.close(other);
  }

  #end(entry: InetSkEntry, number: number, what: string): void {
    const { stage, index } = this.#plan;
    const left = index.image.tcpStreams.get(entry.ino);
    const unread = left?.payload.subarray(0, left.entry.inq_len) ?? NOTHING;
    const { isEnded, isReset } = deathOf(entry);
    const [start, otherStart] = [randomInt(2 ** 32), randomInt(2 ** 32)];
    const expects = (otherStart + unread.length) >>> 0;
    this.#make(entry, number, what);
    const other = this.#otherEnd(entry, what);
    beginRepair(stage, number, { sends: start, expects: otherStart });
    beginRepair(stage, other, { sends: expects, expects: start });
    connectRepaired(stage, what, number, this.#boundTo(entry, other, what));
    connectRepaired(stage, what, other, this.#addressOf(entry, number, what));
    if (unread.length > 0) this.#fill(number, unread, what);
    endRepair(stage, number, expects, WINDOWS);
    endRepair(stage, other, start, WINDOWS);
    if (isEnded) stage.run(`${what}: end`, SYS.shutdown, [other, SHUT_WRITE]);
    if (isReset) setRaw(stage, other, [SOL.socket, SO.linger], [1, 0]);
    else this.#endBoth(number, other, what);
    stage.close(other);
    this.#awaitEnd(number, what);
  }

  /** The other end keeps its port for a while (TIME_WAIT), in nobody's way. */
  #endBoth(number: number, other: number, what: string): void {
    const { stage } = this.#plan;
    setOption(stage, other, [SOL.socket, SO.reuseAddr], 1);
    stage.run(`${what}: end`, SYS.shutdown, [number, SHUT_WRITE]);
  }

  #make({ family, type, proto, flags }: InetSkEntry, number: number, what: string): void {
    const kind = type | (flags & O.nonblock) | O.cloexec;
    this.#plan.stage.make(what, number, SYS.socket, [family, kind, proto]);
  }

  #otherEnd({ family, proto }: InetSkEntry, what: string): number {
    const { stage } = this.#plan;
    const other = (this.#other ??= stage.reserve());
    stage.make(what, other, SYS.socket, [family, SOCK.stream | O.cloexec, proto]);
    return other;
  }

  /** Binds the other end to a port of the loopback interface, which it chooses. */
  #boundTo(entry: InetSkEntry, other: number, what: string): PlannedAddress {
    const { stage } = this.#plan;
    const raw = socketAddress(entry.family, 0, loopbackFor(entry));
    stage.run(`${what}: bind`, SYS.bind, [other, stage.builder.data(raw), raw.length]);
    return this.#addressOf(entry, other, what);
  }

  /** Where the address of a socket is, from now on. */
  #addressOf({ family }: InetSkEntry, number: number, what: string): PlannedAddress {
    const { stage } = this.#plan;
    const size = ADDRESS_SIZE[family === AF.inet ? AF.inet : AF.inet6];
    const at = stage.builder.reserve(size);
    const length = stage.builder.data(Uint8Array.of(size, 0, 0, 0));
    stage.run(`${what}: address`, SYS.getsockname, [number, at, length]);
    return { at, size };
  }

  /** Puts bytes into the queue of what has been received, of a socket in repair mode. */
  #fill(number: number, bytes: Uint8Array, what: string): void {
    const { stage } = this.#plan;
    checkRoom(stage, what, bytes.length);
    const room = ROOM.least + ROOM.factor * bytes.length;
    setOption(stage, number, [SOL.socket, SO.rcvbufForce], room);
    const data = stage.builder.data(bytes, 1);
    stage.sequence.write(`${what}: unread data`, number, data, bytes.length);
  }

  #awaitEnd(number: number, what: string): void {
    const { stage } = this.#plan;
    const polled = Buffer.alloc(8); // struct pollfd: it always tells of POLLHUP.
    polled.writeInt32LE(number);
    stage.run(
      `${what}: wait for its end`,
      SYS.poll,
      [stage.builder.data(polled), 1, PATIENCE_MS],
      1,
    );
  }

  /** The address that it had, if it can be had: it has lost its port when the connection ended. */
  #bind(entry: InetSkEntry, number: number, what: string): void {
    if (entry.src_port === 0) return;
    const { stage } = this.#plan;
    const raw = socketAddress(entry.family, entry.src_port, entry.src_addr);
    planFree(stage, number, entry, () => {
      stage.attempt(`${what}: bind`, SYS.bind, [number, stage.builder.data(raw), raw.length]);
    });
  }
}

const NOTHING = new Uint8Array(0);

/** A connection whose other end had sent all it had gets the reset after that. */
function deathOf({ state, mvas_reset }: InetSkEntry): Death {
  if (state === SOCKET_STATE.close)
    return { isEnded: mvas_reset !== true, isReset: mvas_reset === true };
  const { closeWait, lastAck, closing } = TCP_STATE;
  const ended: readonly number[] = [closeWait, lastAck, closing];
  return { isEnded: ended.includes(state), isReset: true };
}

/** An address of the loopback interface that a socket with this address can be connected to. */
function loopbackFor({ family, src_addr }: InetSkEntry): readonly number[] {
  if (family === AF.inet) return LOOPBACK[AF.inet];
  return isMapped(src_addr) ? LOOPBACK.mapped : LOOPBACK[AF.inet6];
}
