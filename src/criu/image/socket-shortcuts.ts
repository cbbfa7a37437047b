// SPDX-License-Identifier: Apache-2.0
import type { WireReader } from '../../common/wire/reader.js';
import type { PartReader, PartWriter, Shortcut } from '../../common/wire/schema.js';
import type { WireWriter } from '../../common/wire/writer.js';
import {
  SOCKETS_MESSAGES,
  type InetSkEntry,
  type SkOptsEntry,
  type TcpStreamEntry,
} from './messages/sockets.js';
import {
  isNoOwner,
  isShort,
  NO_OWNER,
  NO_OWNER_CODED,
  tagsOf,
  writeField,
  writeNoOwner,
} from './shortcut-tools.js';

const INET = tagsOf(SOCKETS_MESSAGES.inet_sk_entry);
const STREAM = tagsOf(SOCKETS_MESSAGES.tcp_stream_entry);
const INET_NUMBERS = [
  ...(['id', 'ino', 'family', 'type', 'proto', 'state'] as const),
  ...(['src_port', 'dst_port', 'flags', 'backlog'] as const),
];
const STREAM_NUMBERS = [
  ...(['inq_len', 'inq_seq', 'outq_len', 'outq_seq', 'opt_mask'] as const),
  ...(['snd_wscale', 'mss_clamp', 'rcv_wscale', 'mvas_peer', 'mvas_ino'] as const),
];
/** What only other connections have. */
const RARE = [
  ...(['timestamp', 'cork', 'nodelay', 'unsq_len', 'snd_wl1', 'snd_wnd', 'max_window'] as const),
  ...(['rcv_wnd', 'rcv_wup', 'mvas_listener', 'mvas_turn'] as const),
];
const OPTIONS = 'sk_opts_entry';
/** Words of an IPv6 address. */
const MOST_WORDS = 4;
/** One for all: nobody changes it. */
const NO_MEMBERSHIPS: InetSkEntry['mvas_memberships'] = [];

/** Sockets without an owner that are in no group. */
export const INET_SHORTCUT: Shortcut<InetSkEntry> = { read: readInet, write: writeInet };
/** Both ends of a connection of which both are there. */
export const STREAM_SHORTCUT: Shortcut<TcpStreamEntry> = { read: readStream, write: writeStream };

function readInet(reader: WireReader, parts: PartReader): InetSkEntry | undefined {
  const numbers = readNumbers(reader, INET, INET_NUMBERS);
  if (!numbers) return undefined;
  const src_addr = readWords(reader, INET.src_addr);
  const dst_addr = readWords(reader, INET.dst_addr);
  if (!reader.sees(INET.fown) || !reader.seesBytes(NO_OWNER_CODED)) return undefined;
  if (!reader.sees(INET.opts)) return undefined;
  const opts = parts.readPart(OPTIONS) as SkOptsEntry;
  const others = { src_addr, dst_addr, fown: NO_OWNER, opts, mvas_memberships: NO_MEMBERSHIPS };
  const entry: InetSkEntry = { ...numbers, ...others };
  if (reader.sees(INET.v6only)) {
    const value = reader.uint32();
    if (value > 1) return undefined;
    entry.v6only = value === 1;
  }
  return entry;
}

function readWords(reader: WireReader, tag: number): number[] {
  const words: number[] = [];
  while (words.length < MOST_WORDS && reader.sees(tag)) words.push(reader.uint32());
  return words;
}

function writeInet(writer: WireWriter, entry: InetSkEntry, parts: PartWriter): boolean {
  if (!isUsualInet(entry)) return false;
  writeField(writer, INET.id, entry.id);
  writeField(writer, INET.ino, entry.ino);
  writeField(writer, INET.family, entry.family);
  writeField(writer, INET.type, entry.type);
  writeField(writer, INET.proto, entry.proto);
  writeField(writer, INET.state, entry.state);
  writeField(writer, INET.src_port, entry.src_port);
  writeField(writer, INET.dst_port, entry.dst_port);
  writeField(writer, INET.flags, entry.flags);
  writeField(writer, INET.backlog, entry.backlog);
  for (const word of entry.src_addr) writeField(writer, INET.src_addr, word);
  for (const word of entry.dst_addr) writeField(writer, INET.dst_addr, word);
  writeNoOwner(writer, INET.fown);
  writer.varint(INET.opts);
  parts.writePart(OPTIONS, entry.opts);
  if (entry.v6only !== undefined) writeField(writer, INET.v6only, entry.v6only ? 1 : 0);
  return true;
}

function isUsualInet(entry: InetSkEntry): boolean {
  const { ip_opts, ifname, ns_id, shutdown, tcp_opts, mvas_multicast_if: out } = entry;
  const { mvas_nonlocal, mvas_reset, mvas_waiting_outside: outside } = entry;
  const others = ip_opts ?? ifname ?? ns_id ?? shutdown ?? tcp_opts ?? out ?? mvas_nonlocal;
  const isAlone = (others ?? mvas_reset ?? outside) === undefined;
  return isAlone && entry.mvas_memberships.length === 0 && isNoOwner(entry.fown) && fits(entry);
}

/** Whether numbers are written as they are. */
function fits(entry: InetSkEntry): boolean {
  const { id, ino, family, type, proto, state, src_port, dst_port, flags, backlog } = entry;
  const isKind = isShort(family) && isShort(type) && isShort(proto) && isShort(state);
  const isPlace = isShort(src_port) && isShort(dst_port) && isShort(flags) && isShort(backlog);
  return isShort(id) && isShort(ino) && isKind && isPlace && areWords(entry);
}

function areWords({ src_addr, dst_addr }: InetSkEntry): boolean {
  const most = Math.max(src_addr.length, dst_addr.length);
  return most <= MOST_WORDS && src_addr.every(isShort) && dst_addr.every(isShort);
}

function readStream(reader: WireReader): TcpStreamEntry | undefined {
  return readNumbers(reader, STREAM, STREAM_NUMBERS);
}

/** Fields that follow each other, if they are there. */
function readNumbers<N extends string>(
  reader: WireReader,
  tags: Readonly<Record<N, number>>,
  names: readonly N[],
): Record<N, number> | undefined {
  const numbers: Partial<Record<N, number>> = {};
  for (const name of names) {
    if (!reader.sees(tags[name])) return undefined;
    numbers[name] = reader.uint32();
  }
  return numbers as Record<N, number>;
}

function writeStream(writer: WireWriter, entry: TcpStreamEntry): boolean {
  const { rcv_wscale, mvas_peer, mvas_ino } = entry;
  if (rcv_wscale === undefined || mvas_peer === undefined || mvas_ino === undefined) return false;
  const isUsual = isShort(rcv_wscale) && isShort(mvas_peer) && isShort(mvas_ino);
  if (!isUsual || !isUsualStream(entry)) return false;
  writeField(writer, STREAM.inq_len, entry.inq_len);
  writeField(writer, STREAM.inq_seq, entry.inq_seq);
  writeField(writer, STREAM.outq_len, entry.outq_len);
  writeField(writer, STREAM.outq_seq, entry.outq_seq);
  writeField(writer, STREAM.opt_mask, entry.opt_mask);
  writeField(writer, STREAM.snd_wscale, entry.snd_wscale);
  writeField(writer, STREAM.mss_clamp, entry.mss_clamp);
  writeField(writer, STREAM.rcv_wscale, rcv_wscale);
  writeField(writer, STREAM.mvas_peer, mvas_peer);
  writeField(writer, STREAM.mvas_ino, mvas_ino);
  return true;
}

function isUsualStream(entry: TcpStreamEntry): boolean {
  const { inq_len, inq_seq, outq_len, outq_seq, opt_mask, snd_wscale, mss_clamp } = entry;
  const numbers = [inq_len, inq_seq, outq_len, outq_seq, opt_mask, snd_wscale, mss_clamp];
  return RARE.every((field) => entry[field] === undefined) && numbers.every(isShort);
}
