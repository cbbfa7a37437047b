// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { AF } from '../../../../../native/abi/index.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { FilesImage } from '../../files-image.js';
import { isSameAddress } from '../../sockets/inet-address.js';
import { IPPROTO, hasConnection, isConnection, isListening, TCP_STATE } from './protocols.js';

/** Most bytes that connections may have in their queues, all together. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
const MAX_PORT = 65535;
const STATES: ReadonlySet<number> = new Set(Object.values(TCP_STATE));
/** More than any backlog (net.core.somaxconn) lets wait. */
const MOST_WAITING = 0xffffffff >>> 1;
/** Bits of `opt_mask`; sizes of segments (TCP_MIN_SND_MSS, and what an IP packet holds); the largest shift of a window. */
const KNOWN_OPTIONS = 7;
const LEAST_SEGMENT = 48;
const MAX_SEGMENT = 65535;
const MAX_SCALE = 14;

/** Checks what an image says of a TCP connection. Throws ShimError `dataLoss`. */
export function checkConnection(
  image: Pick<FilesImage, 'tcpStreams'>,
  socket: InetSkEntry,
  what: string,
): void {
  const { mvas_waiting_outside: outside = 0 } = socket;
  if (outside > 0 && (!isListening(socket) || outside > MOST_WAITING)) {
    badImage(`${what}: ${String(outside)} connections cannot wait in it`);
  }
  if (!hasConnection(image, socket)) return;
  const { family, proto, src_port, dst_port } = socket;
  const isFamily = family === AF.inet || family === AF.inet6;
  if (!isFamily || proto !== IPPROTO.tcp)
    badImage(`${what}: a socket of its kind has no connection`);
  if (Math.max(src_port, dst_port) > MAX_PORT)
    badImage(`${what}: a port beyond ${String(MAX_PORT)}`);
  if (isConnection(socket)) checkEnds(socket, what);
}

function checkEnds(socket: InetSkEntry, what: string): void {
  const { family, state, src_addr, dst_addr } = socket;
  const words = family === AF.inet ? 1 : 4;
  const isStarting = state === TCP_STATE.synSent && dst_addr.length === 0;
  if (src_addr.length !== words || (dst_addr.length !== words && !isStarting)) {
    badImage(`${what}: an address that is none of its family`);
  }
  if (!STATES.has(state)) badImage(`${what}: no connection is in state ${String(state)}`);
}

/** A connection that has a stream. */
interface End {
  readonly socket: InetSkEntry;
  readonly stream: TcpStreamEntry;
}

/** Checks that what connections have in their queues belongs to them. Throws ShimError `dataLoss`. */
export function checkStreams(sockets: readonly InetSkEntry[], { image }: CheckedFiles): void {
  const inodes = new Set<number>();
  const ends: End[] = [];
  for (const socket of sockets) {
    const stream = image.tcpStreams.get(socket.ino)?.entry;
    const isOne = isConnection(socket);
    if (!isOne && !stream && socket.mvas_reset !== true) continue;
    if (inodes.has(socket.ino))
      badImage(`check file ${String(socket.id)}: its connection is another's`);
    inodes.add(socket.ino);
    if (isOne && stream) ends.push({ socket, stream });
  }
  checkPairs(ends);
  checkWaiting(ends, sockets);
  let bytes = 0;
  for (const [ino, { entry, payload }] of image.tcpStreams) {
    if (!inodes.has(ino)) badStream(ino, 'no such socket');
    checkStream(entry, ino);
    bytes += payload.length;
    if (bytes > MAX_QUEUED_BYTES) badStream(ino, 'too much data in the queues of connections');
  }
}

function badStream(ino: number, why: string): never {
  badImage(`check tcp-stream ${ino.toString(16)}: ${why}`);
}

/** What the kernel takes in repair mode (tcp_repair_options_est, net/ipv4/tcp.c), or would misbehave by. */
function checkStream(stream: TcpStreamEntry, ino: number): void {
  const { opt_mask, mss_clamp, snd_wscale, rcv_wscale = 0, outq_len } = stream;
  const { mvas_peer, mvas_listener, mvas_turn } = stream;
  if (opt_mask > KNOWN_OPTIONS) badStream(ino, 'options that nobody knows');
  if (mss_clamp < LEAST_SEGMENT || mss_clamp > MAX_SEGMENT) {
    badStream(ino, `segments of ${String(mss_clamp)} bytes`);
  }
  if (Math.max(snd_wscale, rcv_wscale) > MAX_SCALE) badStream(ino, 'a window beyond any');
  const isKept = mvas_peer !== undefined || mvas_listener !== undefined;
  if (!isKept && outq_len > 0) badStream(ino, 'data for nobody');
  if ((mvas_listener === undefined) !== (mvas_turn === undefined)) badStream(ino, 'half a place');
}

/** The two ends of a connection name each other, and have the same addresses. */
function checkPairs(ends: readonly End[]): void {
  const byId = new Map(ends.map((end) => [end.socket.id, end]));
  for (const { socket, stream } of ends) {
    const id = stream.mvas_peer;
    if (id === undefined) continue;
    const peer = byId.get(id);
    if (!peer || id === socket.id || peer.stream.mvas_peer !== socket.id) {
      badPair(socket, `file ${String(id)} is not the other end of its connection`);
    }
    if (!areEnds(socket, peer.socket))
      badPair(socket, 'the other end of its connection has another address');
  }
}

function badPair({ id }: InetSkEntry, why: string): never {
  badImage(`check file ${String(id)}: ${why}`);
}

/** Whether each of two sockets has the address that the other is connected to. */
function areEnds(one: InetSkEntry, other: InetSkEntry): boolean {
  const havePorts = one.src_port === other.dst_port && one.dst_port === other.src_port;
  const isHere = isSameAddress(one.src_addr, other.dst_addr);
  return havePorts && isHere && isSameAddress(one.dst_addr, other.src_addr);
}

/** Connections that wait to be accepted do so in a socket of their protocol, one behind the other. */
function checkWaiting(ends: readonly End[], sockets: readonly InetSkEntry[]): void {
  const waiting = ends.filter(({ stream }) => stream.mvas_listener !== undefined);
  if (waiting.length === 0) return;
  const byId = new Map(sockets.map((socket) => [socket.id, socket]));
  const taken = new Set<string>();
  for (const { socket, stream } of waiting) {
    const { mvas_listener: id = 0, mvas_turn: turn = 0 } = stream;
    const listener = byId.get(id);
    if (listener === undefined || !isListening(listener) || listener.src_port !== socket.dst_port) {
      badPair(socket, `file ${String(id)} cannot accept its connection`);
    }
    if (stream.mvas_peer !== undefined) badPair(socket, 'its connection has two other ends');
    // One more than the backlog may wait (sk_acceptq_is_full, net/sock.h).
    const key = `${String(id)} ${String(turn)}`;
    if (turn > listener.backlog || taken.has(key)) {
      badPair(socket, `its turn to be accepted cannot be ${String(turn)}`);
    }
    taken.add(key);
  }
}
