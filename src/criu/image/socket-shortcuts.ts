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
  if (!reader.sees(INET.id)) return undefined;
  const id = reader.uint32();
  if (!reader.sees(INET.ino)) return undefined;
  const ino = reader.uint32();
  if (!reader.sees(INET.family)) return undefined;
  const family = reader.uint32();
  if (!reader.sees(INET.type)) return undefined;
  const type = reader.uint32();
  if (!reader.sees(INET.proto)) return undefined;
  const proto = reader.uint32();
  if (!reader.sees(INET.state)) return undefined;
  const state = reader.uint32();
  if (!reader.sees(INET.src_port)) return undefined;
  const src_port = reader.uint32();
  if (!reader.sees(INET.dst_port)) return undefined;
  const dst_port = reader.uint32();
  if (!reader.sees(INET.flags)) return undefined;
  const flags = reader.uint32();
  if (!reader.sees(INET.backlog)) return undefined;
  const backlog = reader.uint32();
  const src_addr = readWords(reader, INET.src_addr);
  const dst_addr = readWords(reader, INET.dst_addr);
  if (!reader.sees(INET.fown) || !reader.seesBytes(NO_OWNER_CODED)) return undefined;
  if (!reader.sees(INET.opts)) return undefined;
  const opts = parts.readPart(OPTIONS) as SkOptsEntry;
  const entry: InetSkEntry = {
    id,
    ino,
    family,
    type,
    proto,
    state,
    src_port,
    dst_port,
    flags,
    backlog,
    src_addr,
    dst_addr,
    fown: NO_OWNER,
    opts,
    mvas_memberships: NO_MEMBERSHIPS,
  };
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
  if (!reader.sees(STREAM.inq_len)) return undefined;
  const inq_len = reader.uint32();
  if (!reader.sees(STREAM.inq_seq)) return undefined;
  const inq_seq = reader.uint32();
  if (!reader.sees(STREAM.outq_len)) return undefined;
  const outq_len = reader.uint32();
  if (!reader.sees(STREAM.outq_seq)) return undefined;
  const outq_seq = reader.uint32();
  if (!reader.sees(STREAM.opt_mask)) return undefined;
  const opt_mask = reader.uint32();
  if (!reader.sees(STREAM.snd_wscale)) return undefined;
  const snd_wscale = reader.uint32();
  if (!reader.sees(STREAM.mss_clamp)) return undefined;
  const mss_clamp = reader.uint32();
  if (!reader.sees(STREAM.rcv_wscale)) return undefined;
  const rcv_wscale = reader.uint32();
  if (!reader.sees(STREAM.mvas_peer)) return undefined;
  const mvas_peer = reader.uint32();
  if (!reader.sees(STREAM.mvas_ino)) return undefined;
  const queues = { inq_len, inq_seq, outq_len, outq_seq };
  const agreed = { opt_mask, snd_wscale, mss_clamp, rcv_wscale };
  return { ...queues, ...agreed, mvas_peer, mvas_ino: reader.uint32() };
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
  const { timestamp, cork, nodelay, unsq_len, snd_wl1, snd_wnd, max_window } = entry;
  const { rcv_wnd, rcv_wup, mvas_listener, mvas_turn } = entry;
  const first = timestamp ?? cork ?? nodelay ?? unsq_len ?? snd_wl1 ?? snd_wnd ?? max_window;
  const others = first ?? rcv_wnd ?? rcv_wup ?? mvas_listener ?? mvas_turn;
  const { inq_len, inq_seq, outq_len, outq_seq, opt_mask, snd_wscale, mss_clamp } = entry;
  const areQueues = isShort(inq_len) && isShort(inq_seq) && isShort(outq_len) && isShort(outq_seq);
  const isAgreed = isShort(opt_mask) && isShort(snd_wscale) && isShort(mss_clamp);
  return others === undefined && areQueues && isAgreed;
}
