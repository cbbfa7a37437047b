// SPDX-License-Identifier: Apache-2.0
import { randomFillSync } from 'node:crypto';
import { AF, O, POLL } from '../../../../../native/abi/index.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { PlanBuilder, PlanData } from '../../../../plan/builder.js';
import {
  ADDRESS_SIZE,
  destinationOf,
  isMapped,
  sourceOf,
  writeAddress,
} from '../../sockets/inet-address.js';
import { windowWords } from '../../sockets/tcp-repair.js';

/** What a restore of connections needs room for besides the bytes of a queue, as a factor and at least. */
const ROOM = { factor: 2, least: 1 << 20 } as const;
/** What a window without scaling can be, and its largest shift (RFC 7323). */
const LARGEST_WINDOW = 65535;
const LARGEST_SCALE = 14;

/** Offsets in a row of what differs from connection to connection, for each of its ends. */
export const FIELD = {
  number: 0,
  source: 8,
  destination: 40,
  sends: 72,
  expects: 76,
  windows: 80,
  /** `struct pollfd`. */
  polled: 104,
  /** Address of what it writes, and its length. */
  bytes: 112,
  length: 120,
  /** What it has not read. */
  unread: 128,
  sendRoom: 136,
  receiveRoom: 140,
} as const;
/** Bytes of an end. */
export const END_SIZE = 144;

/** One end of a connection that is made anew. */
export interface End {
  readonly entry: InetSkEntry;
  readonly number: number;
  readonly stream: TcpStreamEntry;
  /** What it has not read, followed by what it has sent and the other end has not received. */
  readonly payload: Uint8Array;
}

/** Both ends of a connection, or the one that waits until the other is accepted. */
export type Ends = readonly [End] | readonly [End, End];

/** Writes rows of connections into a plan. */
export function planRows(builder: PlanBuilder, connections: readonly Ends[]): PlanData {
  const count = (connections[0]?.length ?? 0) * connections.length;
  const rows = Buffer.alloc(count * END_SIZE);
  const data = builder.data(rows);
  const starts = randomFillSync(new Uint32Array(count));
  connections.flat().forEach((end, index) => {
    const ends = connections[Math.floor(index / (connections[0]?.length ?? 1))];
    const isSecond = ends?.[0] !== end;
    const other = isSecond ? ends?.[0] : ends[1];
    const peerStart = starts[isSecond ? index - 1 : index + 1] ?? 0;
    const place = { rows, at: index * END_SIZE };
    writeEnd(place, end, starts[index] ?? 0, peerStart);
    const peer = other ?? end;
    writeWords(place, FIELD.windows, windowWords(peerStart, windowsOf(end, peer)));
    const bytes = writtenBy(end, other);
    if (bytes.length === 0) return;
    builder.link(data, place.at + FIELD.bytes, builder.data(bytes, 1));
    rows.writeUInt32LE(bytes.length, place.at + FIELD.length);
    rows.writeUInt32LE(roomFor(bytes.length), place.at + FIELD.sendRoom);
    const room = (index ^ 1) * END_SIZE + FIELD.receiveRoom;
    if (other) rows.writeUInt32LE(roomFor(bytes.length), room);
  });
  return data;
}

/** What an end writes when it is restored: what the other has not read, and what that has not received. */
export function writtenBy({ payload, stream }: End, other: End | undefined): Uint8Array {
  const unsent = payload.subarray(stream.inq_len);
  const unread = other?.payload.subarray(0, other.stream.inq_len) ?? unsent.subarray(0, 0);
  if (unread.length === 0 || unsent.length === 0) return unread.length > 0 ? unread : unsent;
  return Buffer.concat([unread, unsent]);
}

/** The same for connections that are restored by the same operations, given a number for the options of each socket. */
export function shapeOf(ends: Ends, numberOf: (end: End) => number): string {
  const [one, other] = ends;
  const shape = endShape(one, numberOf(one), writtenBy(one, other).length > 0);
  if (other === undefined) return shape;
  return `${shape}/${endShape(other, numberOf(other), writtenBy(other, one).length > 0)}`;
}

function endShape({ entry, stream }: End, options: number, writes: boolean): string {
  const { family, type, proto, state, shutdown = '', v6only = '', src_addr, flags } = entry;
  const { opt_mask, snd_wscale, rcv_wscale = 0, mss_clamp, inq_len } = stream;
  const only = family === AF.inet6 ? `${String(v6only)}${String(isMapped(src_addr))}` : '';
  const socket = `${String(family)},${String(type)},${String(proto)},${String(state)},${shutdown},${only}`;
  const agreed = `${String(opt_mask)},${String(snd_wscale)},${String(rcv_wscale)},${String(mss_clamp)}`;
  const queues = `${String(inq_len > 0)},${String(writes)},${String(flags & O.nonblock)}`;
  return `${socket},${agreed},${queues},${String(options)}`;
}

/** Where an end is in the rows. */
interface Place {
  readonly rows: Buffer;
  readonly at: number;
}

function writeEnd(place: Place, end: End, start: number, peerStart: number): void {
  const { rows, at } = place;
  const { entry, number, stream } = end;
  rows.writeUInt32LE(number, at + FIELD.number);
  writeAddress(rows, at + FIELD.source, entry.family, sourceOf(entry));
  writeAddress(rows, at + FIELD.destination, entry.family, destinationOf(entry));
  rows.writeUInt32LE(start, at + FIELD.sends);
  rows.writeUInt32LE(peerStart, at + FIELD.expects);
  rows.writeInt32LE(number, at + FIELD.polled);
  rows.writeInt16LE(POLL.rdhup, at + FIELD.polled + 4);
  rows.writeUInt32LE(stream.inq_len, at + FIELD.unread);
}

function writeWords({ rows, at }: Place, field: number, words: readonly number[]): void {
  words.forEach((word, index) => rows.writeUInt32LE(word, at + field + index * 4));
}

function windowsOf(end: End, peer: End): { readonly sends: number; readonly expects: number } {
  return { sends: windowOf(peer), expects: windowOf(end) };
}

/** What an end takes at once: all that it has not read, and as much as its buffer makes it take. */
function windowOf({ entry, stream }: End): number {
  const shift = Math.min(stream.opt_mask & 4 ? (stream.rcv_wscale ?? 0) : 0, LARGEST_SCALE);
  const wanted = Math.max(stream.inq_len, entry.opts.so_rcvbuf >>> 1);
  return Math.min(wanted, LARGEST_WINDOW * 2 ** shift);
}

function roomFor(bytes: number): number {
  return ROOM.least + ROOM.factor * bytes;
}

/** Bytes of a socket's address. */
export function addressSizeOf({ family }: InetSkEntry): number {
  return ADDRESS_SIZE[family === AF.inet ? AF.inet : AF.inet6];
}
