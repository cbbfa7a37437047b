// SPDX-License-Identifier: Apache-2.0
import { randomFillSync } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { AF, O, POLL } from '../../../../../native/abi/index.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { PlanBuilder } from '../../../../plan/builder.js';
import type { PlanData } from '../../../../plan/values.js';
import { ADDRESS_SIZE, isMapped, writeAddress } from '../../sockets/inet-address.js';
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
/** Bytes of an end, and of a word. */
export const END_SIZE = 144;
const WORD = 4;
/** What both ends had agreed on, and what a socket is. */
const NEGOTIATED = ['opt_mask', 'snd_wscale', 'rcv_wscale', 'mss_clamp'] as const;
const KIND = ['family', 'type', 'proto', 'state', 'shutdown'] as const;

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
  const width = connections[0]?.length ?? 0;
  const words = new Uint32Array((width * connections.length * END_SIZE) / WORD);
  const data = builder.data(new Uint8Array(words.buffer));
  const rows = { builder, data, words };
  const starts = randomFillSync(new Uint32Array(width * connections.length));
  let index = 0;
  for (const [one, other] of connections) {
    const [start = 0, otherStart = 0] = [starts[index], other ? starts[index + 1] : 0];
    writeEnd(rows, index++, { end: one, other, start, otherStart });
    if (!other) continue;
    writeEnd(rows, index++, { end: other, other: one, start: otherStart, otherStart: start });
  }
  return data;
}

/** What an end writes when it is restored: what the other has not read, and what that has not received. */
export function writtenBy({ payload, stream }: End, other: End | undefined): Uint8Array {
  const unsent = payload.subarray(stream.inq_len);
  const unread = other?.payload.subarray(0, other.stream.inq_len) ?? unsent.subarray(0, 0);
  if (unread.length === 0 || unsent.length === 0) return unread.length > 0 ? unread : unsent;
  return Buffer.concat([unread, unsent]);
}

/** Whether {@link writtenBy} is anything. */
export function writes({ payload, stream }: End, other: End | undefined): boolean {
  return payload.length > stream.inq_len || (other !== undefined && other.stream.inq_len > 0);
}

/** Whether two connections are restored by the same operations. */
export function areAlike([one, other]: Ends, [third, fourth]: Ends): boolean {
  if (writes(one, other) !== writes(third, fourth) || !areAlikeEnds(one, third)) return false;
  if (!other || !fourth) return other === fourth;
  return writes(other, one) === writes(fourth, third) && areAlikeEnds(other, fourth);
}

/** A number that is the same for connections that {@link areAlike}. */
export function hashOf([one, other]: Ends): number {
  const hash = hashOfEnd(one, Number(writes(one, other)));
  return other ? hashOfEnd(other, hash * 2 + Number(writes(other, one))) : hash;
}

function hashOfEnd({ entry, stream }: End, hash: number): number {
  const { so_sndbuf: sends, so_rcvbuf: receives } = entry.opts;
  const options = Math.imul(sends, 31) ^ Math.imul(receives, 37);
  const agreed = Math.imul(stream.mss_clamp, 41) ^ (entry.state << 8) ^ entry.flags;
  return Math.imul(hash ^ options ^ agreed, 43) ^ Number(stream.inq_len > 0);
}

function areAlikeEnds(one: End, other: End): boolean {
  if (one.stream.inq_len > 0 !== other.stream.inq_len > 0) return false;
  const haveAgreed = NEGOTIATED.every((name) => one.stream[name] === other.stream[name]);
  return haveAgreed && areAlikeSockets(one.entry, other.entry);
}

function areAlikeSockets(one: InetSkEntry, other: InetSkEntry): boolean {
  if (one.opts !== other.opts || !KIND.every((name) => one[name] === other[name])) return false;
  if ((one.flags & O.nonblock) !== (other.flags & O.nonblock)) return false;
  const isOnlyOne = one.v6only === other.v6only;
  const isMappedToo = isMapped(one.src_addr) === isMapped(other.src_addr);
  if (one.family === AF.inet6 && !(isOnlyOne && isMappedToo)) return false;
  const areKeys = one.mvas_keys.length + other.mvas_keys.length > 0;
  return !areKeys || isDeepStrictEqual(one.mvas_keys, other.mvas_keys);
}

/** Rows that are being written. */
interface Rows {
  readonly builder: PlanBuilder;
  readonly data: PlanData;
  readonly words: Uint32Array;
}

/** An end, and the numbers of the first bytes that it, and the other one, sends. */
interface Row {
  readonly end: End;
  readonly other: End | undefined;
  readonly start: number;
  readonly otherStart: number;
}

/** Writes an end, as the how-manieth of all. */
function writeEnd(rows: Rows, index: number, { end, other, start, otherStart }: Row): void {
  const { words } = rows;
  const { entry, number, stream } = end;
  const { family } = entry;
  const source = { family, port: entry.src_port, words: entry.src_addr };
  const destination = { family, port: entry.dst_port, words: entry.dst_addr };
  const at = (index * END_SIZE) / WORD;
  words[at + FIELD.number / WORD] = number;
  writeAddress(words, at + FIELD.source / WORD, source);
  writeAddress(words, at + FIELD.destination / WORD, destination);
  words[at + FIELD.sends / WORD] = start;
  words[at + FIELD.expects / WORD] = otherStart;
  words[at + FIELD.polled / WORD] = number;
  words[at + FIELD.polled / WORD + 1] = POLL.rdhup;
  words[at + FIELD.unread / WORD] = stream.inq_len;
  const windows = { sends: windowOf(other ?? end), expects: windowOf(end) };
  words.set(windowWords(otherStart, windows), at + FIELD.windows / WORD);
  if (writes(end, other)) writeBytes(rows, index, writtenBy(end, other), other !== undefined);
}

/** What an end writes, and room for it in its buffer and in that of the other. */
function writeBytes(
  { builder, data, words }: Rows,
  index: number,
  bytes: Uint8Array,
  hasOther: boolean,
): void {
  const at = (index * END_SIZE) / WORD;
  builder.link(data, index * END_SIZE + FIELD.bytes, builder.data(bytes, 1));
  words[at + FIELD.length / WORD] = bytes.length;
  words[at + FIELD.sendRoom / WORD] = roomFor(bytes.length);
  const otherAt = ((index ^ 1) * END_SIZE) / WORD;
  if (hasOther) words[otherAt + FIELD.receiveRoom / WORD] = roomFor(bytes.length);
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
