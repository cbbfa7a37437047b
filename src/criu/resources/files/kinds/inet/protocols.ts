// SPDX-License-Identifier: Apache-2.0
import { SOCK, SOCKET_STATE, SOL } from '../../../../../native/abi/index.js';
import type { InetSkEntry } from '../../../../image/types.js';
import type { FilesImage } from '../../files-image.js';

/** Protocols (linux/in.h). */
export const IPPROTO = {
  tcp: 6,
  udp: 17,
  icmp: 1,
  igmp: 2,
  icmp6: 58,
  udplite: 136,
  /** Of raw sockets, whatever their own is. */
  raw: 255,
  mptcp: 262,
} as const;
/** Of SOL_IPV6 (linux/in6.h). */
export const IPV6_V6ONLY = 26;

/** Level and name of an option (linux/tcp.h). */
export const TCP_NODELAY = [SOL.tcp, 1] as const;

/** States of a TCP connection (net/tcp_states.h). */
export const TCP_STATE = {
  established: 1,
  synSent: 2,
  finWait1: 4,
  finWait2: 5,
  closeWait: 8,
  lastAck: 9,
  closing: 11,
} as const;

/** Whether an end of a connection has nothing more to send (FIN). */
export function hasSentEnd(state: number): boolean {
  return isOneOf(state, ['finWait1', 'finWait2', 'closing', 'lastAck']);
}

/** Whether the other end's end of the stream has arrived. */
export function receivesNoMore(state: number): boolean {
  return isOneOf(state, ['closeWait', 'closing', 'lastAck']);
}

function isOneOf(state: number, names: readonly (keyof typeof TCP_STATE)[]): boolean {
  return names.some((name) => TCP_STATE[name] === state);
}

/** TCP, or Multipath TCP, whose sockets report their first subflow where a TCP socket reports itself. */
export function isTcp(proto: number): boolean {
  return proto === IPPROTO.tcp || proto === IPPROTO.mptcp;
}

/** The protocol by which a socket speaks; raw sockets only choose what they receive by theirs. */
export function transportOf(type: number, proto: number): number {
  return type === SOCK.raw ? IPPROTO.raw : proto;
}

/** Whether an entry is of a TCP connection that has not ended, or is being made. */
export function isConnection({ type, proto, state }: InetSkEntry): boolean {
  const isApart = state === SOCKET_STATE.close || state === SOCKET_STATE.listen;
  return type === SOCK.stream && proto === IPPROTO.tcp && !isApart;
}

/** Whether the end of a connection that no process has waits in a listening socket; what was closed has sent its end. */
export function waitsToBeAccepted({
  inode,
  state,
}: {
  readonly inode: number;
  readonly state: number;
}): boolean {
  return inode === 0 && isOneOf(state, ['established', 'closeWait']);
}

/** Whether an entry is of a TCP socket that accepts connections. */
export function isListening({ type, proto, state }: InetSkEntry): boolean {
  return type === SOCK.stream && proto === IPPROTO.tcp && state === SOCKET_STATE.listen;
}

/** Where a connection waits to be accepted. */
export interface Place {
  /** Id of the listening socket. */
  readonly listener: number;
  /** How many of the image are to be accepted before it. */
  readonly turn: number;
}

/** Where the other end of a connection waits to be accepted, if it does. */
export function placeOf(
  { tcpStreams }: Pick<FilesImage, 'tcpStreams'>,
  entry: InetSkEntry,
): Place | undefined {
  const stream = isConnection(entry) ? tcpStreams.get(entry.ino)?.entry : undefined;
  if (stream?.mvas_listener === undefined) return undefined;
  return { listener: stream.mvas_listener, turn: stream.mvas_turn ?? 0 };
}

/** Id of the other end, if the checkpoint has both ends of a connection. */
export function peerOf(
  { tcpStreams }: Pick<FilesImage, 'tcpStreams'>,
  entry: InetSkEntry,
): number | undefined {
  return isConnection(entry) ? tcpStreams.get(entry.ino)?.entry.mvas_peer : undefined;
}

/** Whether there is a connection to be restored, or something left of one: unread data, or an error. */
export function hasConnection(
  { tcpStreams }: Pick<FilesImage, 'tcpStreams'>,
  entry: InetSkEntry,
): boolean {
  return isConnection(entry) || tcpStreams.has(entry.ino) || entry.mvas_reset === true;
}

/** Whether the checkpoint has both ends of a connection, so that a restore makes it anew. */
export function isKept(image: Pick<FilesImage, 'tcpStreams'>, entry: InetSkEntry): boolean {
  const stream = isConnection(entry) ? image.tcpStreams.get(entry.ino)?.entry : undefined;
  return (stream?.mvas_peer ?? stream?.mvas_listener) !== undefined;
}
