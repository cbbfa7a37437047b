// SPDX-License-Identifier: Apache-2.0
import type { PartWriter, Shortcut } from '../../common/wire/schema.js';
import type { WireWriter } from '../../common/wire/writer.js';
import { SOCKETS_MESSAGES, type InetSkEntry, type TcpStreamEntry } from './messages/sockets.js';
import { isNoOwner, isShort, tagsOf, writeField, writeNoOwner } from './shortcut-tools.js';

const INET = tagsOf(SOCKETS_MESSAGES.inet_sk_entry);
const STREAM = tagsOf(SOCKETS_MESSAGES.tcp_stream_entry);
/** What only other connections have. */
const RARE = [
  ...(['timestamp', 'cork', 'nodelay', 'unsq_len', 'snd_wl1', 'snd_wnd', 'max_window'] as const),
  ...(['rcv_wnd', 'rcv_wup', 'mvas_listener', 'mvas_turn'] as const),
];
const OPTIONS = 'sk_opts_entry';
/** Words of an IPv6 address. */
const MOST_WORDS = 4;

/** Sockets without an owner that are in no group. */
export const INET_SHORTCUT: Shortcut<InetSkEntry> = { write: writeInet };
/** Both ends of a connection of which both are there. */
export const STREAM_SHORTCUT: Shortcut<TcpStreamEntry> = { write: writeStream };

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
  return isAlone && hasNoLists(entry) && isNoOwner(entry.fown) && fits(entry);
}

function hasNoLists({ mvas_memberships, mvas_keys }: InetSkEntry): boolean {
  return mvas_memberships.length === 0 && mvas_keys.length === 0;
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
