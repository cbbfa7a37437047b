// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { AF } from '../../../../../native/abi/index.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { FilesImage } from '../../files-image.js';
import { destinationOf, pairKey, sourceOf } from '../../sockets/inet-address.js';
import {
  IPPROTO,
  hasConnection,
  isConnection,
  isListening,
  peerOf,
  placeOf,
  TCP_STATE,
} from './protocols.js';

/** Most bytes that connections may have in their queues, all together. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
const MAX_PORT = 65535;
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
  const states: readonly number[] = Object.values(TCP_STATE);
  if (!states.includes(state)) badImage(`${what}: no connection is in state ${String(state)}`);
}

/** Checks that what connections have in their queues belongs to them. Throws ShimError `dataLoss`. */
export function checkStreams(sockets: readonly InetSkEntry[], { image }: CheckedFiles): void {
  const inodes = new Set<number>();
  for (const socket of sockets) {
    if (!hasConnection(image, socket)) continue;
    if (inodes.has(socket.ino))
      badImage(`check file ${String(socket.id)}: its connection is another's`);
    inodes.add(socket.ino);
  }
  checkPairs(sockets, image);
  checkWaiting(sockets, image);
  let bytes = 0;
  for (const [ino, { entry, payload }] of image.tcpStreams) {
    const what = `check tcp-stream ${ino.toString(16)}`;
    if (!inodes.has(ino)) badImage(`${what}: no such socket`);
    checkStream(entry, what);
    bytes += payload.length;
    if (bytes > MAX_QUEUED_BYTES) badImage(`${what}: too much data in the queues of connections`);
  }
}

/** What the kernel takes in repair mode (tcp_repair_options_est, net/ipv4/tcp.c), or would misbehave by. */
function checkStream(stream: TcpStreamEntry, what: string): void {
  const { opt_mask, mss_clamp, snd_wscale, rcv_wscale = 0, outq_len } = stream;
  const { mvas_peer, mvas_listener, mvas_turn } = stream;
  if (opt_mask > KNOWN_OPTIONS) badImage(`${what}: options that nobody knows`);
  if (mss_clamp < LEAST_SEGMENT || mss_clamp > MAX_SEGMENT) {
    badImage(`${what}: segments of ${String(mss_clamp)} bytes`);
  }
  if (Math.max(snd_wscale, rcv_wscale) > MAX_SCALE) badImage(`${what}: a window beyond any`);
  const isKept = mvas_peer !== undefined || mvas_listener !== undefined;
  if (!isKept && outq_len > 0) badImage(`${what}: data for nobody`);
  if ((mvas_listener === undefined) !== (mvas_turn === undefined))
    badImage(`${what}: half a place`);
}

/** The two ends of a connection name each other, and have the same addresses. */
function checkPairs(sockets: readonly InetSkEntry[], image: Pick<FilesImage, 'tcpStreams'>): void {
  const byId = new Map(sockets.map((socket) => [socket.id, socket]));
  for (const socket of sockets) {
    const id = peerOf(image, socket);
    if (id === undefined) continue;
    const what = `check file ${String(socket.id)}`;
    const peer = byId.get(id);
    if (!peer || peer === socket || peerOf(image, peer) !== socket.id) {
      badImage(`${what}: file ${String(id)} is not the other end of its connection`);
    }
    const [here, there] = [sourceOf(socket), destinationOf(socket)];
    if (pairKey(here, there) !== pairKey(destinationOf(peer), sourceOf(peer))) {
      badImage(`${what}: the other end of its connection has another address`);
    }
  }
}

/** Connections that wait to be accepted do so in a socket of their protocol, one behind the other. */
function checkWaiting(
  sockets: readonly InetSkEntry[],
  image: Pick<FilesImage, 'tcpStreams'>,
): void {
  const byId = new Map(sockets.map((socket) => [socket.id, socket]));
  const taken = new Set<string>();
  for (const socket of sockets) {
    const place = placeOf(image, socket);
    if (place === undefined) continue;
    const what = `check file ${String(socket.id)}`;
    const listener = byId.get(place.listener);
    if (listener === undefined || !isListening(listener) || listener.src_port !== socket.dst_port) {
      badImage(`${what}: file ${String(place.listener)} cannot accept its connection`);
    }
    if (peerOf(image, socket) !== undefined) badImage(`${what}: its connection has two other ends`);
    // One more than the backlog may wait (sk_acceptq_is_full, net/sock.h).
    const key = `${String(place.listener)} ${String(place.turn)}`;
    if (place.turn > listener.backlog || taken.has(key)) {
      badImage(`${what}: its turn to be accepted cannot be ${String(place.turn)}`);
    }
    taken.add(key);
  }
}
