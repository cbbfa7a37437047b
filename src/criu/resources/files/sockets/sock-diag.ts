// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { ShimError } from '../../../../common/errors.js';
import { syscall } from '../../../../native/index.js';
import { call, check, closeFd, SYS } from '../../../../native/sys.js';
import { inNamespaceOf } from '../../in-namespace.js';
import type { MvasTcpKey } from '../../../image/types.js';
import { NO_ADDRESS as NOWHERE, type InetAddress } from './inet-address.js';
import { AF, SOCK } from '../../../../native/abi/index.js';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const NLM_F_REQUEST_DUMP = 0x301;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER_SIZE = 16;
/** The errno of NLMSG_ERROR, which the failed request follows. */
const ERROR_SIZE = 4;
const MESSAGE_SIZE = 16;
/** `struct inet_diag_req_v2`, and `struct inet_diag_msg`, which ends with the inode (linux/inet_diag.h). */
const INET_REQUEST_SIZE = 56;
const INET_REQUEST = { sourcePort: 8, peerPort: 10, source: 12, peer: 28, cookie: 48 } as const;
/** So many answers fit into the receive buffer of a socket. */
const LOOKUPS_AT_ONCE = 32;
const ENOENT = -2;
const INET_MESSAGE_SIZE = 72;
/** Where its cookie is (`struct inet_diag_sockid`). */
const INET_COOKIE = 44;
/** INET_DIAG_INFO is requested; keys come with it. */
const SHOW_INFO = 2;
const INET_DIAG_INFO = 2;
/** tcpi_last_data_sent, tcpi_bytes_received (`struct tcp_info`, linux/tcp.h). */
const INFO = { lastSent: 44, received: 128 } as const;
const INET_DIAG_MD5SIG = 18;
/** `struct tcp_diag_md5sig` (linux/tcp.h). */
const KEY = { family: 0, prefix: 1, length: 2, address: 4, key: 20, size: 100 } as const;
const INET_DIAG_SHUTDOWN = 8;
const IPPROTO_TCP = 6;
/** UDP and UDP-Lite. */
const DATAGRAM_PROTOCOLS = [17, 136];
/** All but TIME_WAIT (6), CLOSE (7), LISTEN (10) and those that are only bound (13) (net/tcp_states.h). */
const CONNECTED_STATES = 0x1fff & ~(1 | (1 << 6) | (1 << 7) | (1 << 10));
/** States of TCP sockets whose keys the kernel tells. */
const KEYED_STATES = { listening: 1 << 10, connected: CONNECTED_STATES } as const;
/** UDIAG_SHOW_NAME, VFS, PEER, ICONS, RQLEN. */
const SHOW = 1 | 2 | 4 | 8 | 16;
const ALL_STATES = 0xffffffff;
const RECEIVE_SIZE = 64 * 1024;
/** The last datagram that was received. */
const room = Buffer.alloc(RECEIVE_SIZE);

/** In which state TCP sockets with keys are looked for. */
export type KeyedState = keyof typeof KEYED_STATES;

/** What the kernel says of a unix socket (linux/unix_diag.h). */
export interface UnixDiag {
  readonly inode: number;
  readonly type: number;
  /** TCP_* state: 1 connected, 7 not, 10 listening. */
  readonly state: number;
  /** sun_path: empty, a path (with its NUL), or an abstract name after a NUL. */
  readonly name: Uint8Array;
  /** Inode of the peer; 0 if it is gone or not accepted yet. */
  readonly peer: number;
  /** Listening: connections not accepted yet, and their limit. Otherwise unread bytes. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Listening: inodes of the clients whose connections wait to be accepted, in their order; 0: a closed one. */
  readonly waiting: readonly number[];
  /** Bit 0: shut down for reading, bit 1: for writing. */
  readonly shutdown: number;
}

/** All unix sockets of the network namespace of a process, by inode. */
export function listUnixSockets(pid: HostPid): ReadonlyMap<number, UnixDiag> {
  const found = new Map<number, UnixDiag>();
  const body = Buffer.alloc(24);
  body.writeUInt8(AF.unix, 0);
  body.writeUInt32LE(ALL_STATES, 4);
  body.writeUInt32LE(SHOW, 12);
  askSockDiag(pid, body, (datagram) => parseUnixDiag(datagram, found));
  return found;
}

/**
 * By inode, the directions in which UDP sockets of a network namespace are shut down (bit 0: reading, bit 1:
 * writing).
 * The kernel lists bound sockets; a connected socket is bound.
 */
export function listShutdowns(pid: HostPid): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const protocol of DATAGRAM_PROTOCOLS) {
    askInet(pid, { protocol, states: ALL_STATES, show: 0 }, (datagram) =>
      parseShutdowns(datagram, found),
    );
  }
  return found;
}

/**
 * The keys for signatures (TCP_MD5SIG) of the TCP sockets of a network namespace in a state, by inode, the newest first.
 * A socket with some hundreds, for which there is no room, ends the list: it and all behind it are missing.
 */
export function listKeyedSockets(
  pid: HostPid,
  state: KeyedState,
): ReadonlyMap<number, MvasTcpKey[]> {
  const found = new Map<number, MvasTcpKey[]>();
  const question = { protocol: IPPROTO_TCP, states: KEYED_STATES[state], show: SHOW_INFO };
  withSockDiag(pid, (socket) => {
    // The kernel makes an answer as long as the longest that has been received with so much room.
    send(socket, encodeRequest(NLM_F_REQUEST, lookup({ source: NOWHERE, peer: NOWHERE })));
    receive(socket, 1, () => true);
    for (const family of [AF.inet, AF.inet6]) {
      send(socket, encodeRequest(NLM_F_REQUEST_DUMP, inetRequest(family, question)));
      receive(socket, Infinity, (datagram) => parseKeyedSockets(datagram, found));
    }
  });
  return found;
}

/** Addresses of a TCP connection, seen from one of its ends. */
export interface TcpEnds {
  readonly source: InetAddress;
  readonly peer: InetAddress;
}

/** A TCP connection in a network namespace, seen from one of its ends. */
export interface TcpDiag extends TcpEnds {
  /** Of its socket; 0 where nobody has one: not accepted yet, or closed. */
  readonly inode: number;
  /** TCP_* state. */
  readonly state: number;
  /** Milliseconds since it has sent anything, or was made. */
  readonly idleMs: number;
  /** Bytes that came in order; the end of the stream counts as one. */
  readonly received: bigint;
  /** By which the kernel tells sockets apart. */
  readonly cookie: bigint;
}

/** All TCP connections of the network namespace of a process that have not ended. The kernel walks all of the host's. */
export function listConnections(pid: HostPid): readonly TcpDiag[] {
  const found: TcpDiag[] = [];
  const question = { protocol: IPPROTO_TCP, states: CONNECTED_STATES, show: SHOW_INFO };
  askInet(pid, question, (datagram) => parseConnections(datagram, found));
  return found;
}

/** Which internet sockets are requested, and what of them. */
interface InetQuestion {
  readonly protocol: number;
  readonly states: number;
  readonly show: number;
}

/** Those of the TCP connections with these ends that the network namespace of a process has; each is looked up. */
export function findConnections(pid: HostPid, wanted: readonly TcpEnds[]): readonly TcpDiag[] {
  const found: TcpDiag[] = [];
  if (wanted.length === 0) return found;
  withSockDiag(pid, (socket) => {
    for (let start = 0; start < wanted.length; start += LOOKUPS_AT_ONCE) {
      const batch = wanted.slice(start, start + LOOKUPS_AT_ONCE);
      send(socket, Buffer.concat(batch.map((ends) => encodeRequest(NLM_F_REQUEST, lookup(ends)))));
      receive(socket, batch.length, (datagram) => {
        if (!isNotFound(datagram)) parseConnections(datagram, found);
        return true;
      });
    }
  });
  return found.filter(({ state }) => ((1 << state) & CONNECTED_STATES) !== 0);
}

/** A listening socket is found where there is no connection. */
function lookup({ source, peer }: TcpEnds): Buffer {
  const body = inetRequest(source.words.length === 1 ? AF.inet : AF.inet6, {
    ...{ protocol: IPPROTO_TCP, states: ALL_STATES, show: SHOW_INFO },
  });
  body.writeUInt16BE(source.port, INET_REQUEST.sourcePort);
  body.writeUInt16BE(peer.port, INET_REQUEST.peerPort);
  source.words.forEach((word, index) => body.writeUInt32LE(word, INET_REQUEST.source + index * 4));
  peer.words.forEach((word, index) => body.writeUInt32LE(word, INET_REQUEST.peer + index * 4));
  body.fill(0xff, INET_REQUEST.cookie); // INET_DIAG_NOCOOKIE
  return body;
}

/** Whether a datagram says ENOENT. */
export function isNotFound(datagram: Buffer): boolean {
  const isError = datagram.length >= HEADER_SIZE + ERROR_SIZE;
  return (
    isError &&
    datagram.readUInt16LE(4) === NLMSG_ERROR &&
    datagram.readInt32LE(HEADER_SIZE) === ENOENT
  );
}

/** Requests sockets of both families. */
function askInet(pid: HostPid, question: InetQuestion, take: (datagram: Buffer) => boolean): void {
  for (const family of [AF.inet, AF.inet6]) askSockDiag(pid, inetRequest(family, question), take);
}

function inetRequest(family: number, { protocol, states, show }: InetQuestion): Buffer {
  const body = Buffer.alloc(INET_REQUEST_SIZE);
  body.writeUInt8(family, 0);
  body.writeUInt8(protocol, 1);
  body.writeUInt8(show, 2);
  body.writeUInt32LE(states, 4);
  return body;
}

/** Asks the sock_diag of a process's network namespace; `take` returns whether more is to come. */
export function askSockDiag(
  pid: HostPid,
  body: Uint8Array,
  take: (datagram: Buffer) => boolean,
): void {
  withSockDiag(pid, (socket) => {
    send(socket, encodeRequest(NLM_F_REQUEST_DUMP, body));
    receive(socket, Infinity, take);
  });
}

function withSockDiag(pid: HostPid, work: (socket: number) => void): void {
  const socket = inNamespaceOf(pid, 'net', () =>
    call('open sock_diag', SYS.socket, AF.netlink, SOCK.raw | SOCK.cloexec, NETLINK_SOCK_DIAG),
  );
  try {
    work(socket);
  } finally {
    closeFd(socket);
  }
}

function encodeRequest(flags: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(HEADER_SIZE + body.length, 0);
  header.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, body]);
}

function send(socket: number, request: Buffer): void {
  call('ask for sockets', SYS.sendto, socket, request, request.length, 0, null, 0);
}

/** Receives so many datagrams, or until `take` returns false. */
function receive(socket: number, count: number, take: (datagram: Buffer) => boolean): void {
  for (let got = 0; got < count; got++) {
    const length = syscall(SYS.recvfrom, socket, room, room.length, 0, null, null);
    if (!take(room.subarray(0, check('list sockets', length)))) return;
  }
}

/** Adds the sockets of one netlink datagram; false when it was the last. */
export function parseUnixDiag(datagram: Buffer, found: Map<number, UnixDiag>): boolean {
  return eachMessage(datagram, MESSAGE_SIZE, (message) => {
    const socket = parseUnixMessage(message);
    found.set(socket.inode, socket);
  });
}

/** Adds the keys of the sockets of one netlink datagram; false when it was the last. */
export function parseKeyedSockets(datagram: Buffer, found: Map<number, MvasTcpKey[]>): boolean {
  return eachMessage(datagram, INET_MESSAGE_SIZE, (message) => {
    const hasKeys = hasAttribute(message, INET_MESSAGE_SIZE, INET_DIAG_MD5SIG);
    const bytes = hasKeys
      ? attributesOf(message, INET_MESSAGE_SIZE).get(INET_DIAG_MD5SIG)
      : undefined;
    found.set(message.readUInt32LE(INET_MESSAGE_SIZE - 4), bytes ? keysIn(bytes) : NO_KEYS);
  });
}

/** Of sockets that have none; nobody changes it. */
const NO_KEYS: MvasTcpKey[] = [];

function keysIn(bytes: Buffer): MvasTcpKey[] {
  const count = Math.floor(bytes.length / KEY.size);
  return Array.from({ length: count }, (_, index) => {
    const one = bytes.subarray(index * KEY.size, (index + 1) * KEY.size);
    const addressEnd = KEY.address + (one.readUInt8(KEY.family) === AF.inet ? 4 : 16);
    return {
      address: Uint8Array.from(one.subarray(KEY.address, addressEnd)),
      prefix: one.readUInt8(KEY.prefix),
      key: Uint8Array.from(one.subarray(KEY.key, KEY.key + one.readUInt16LE(KEY.length))),
    };
  });
}

/** Adds those sockets of one netlink datagram that are shut down; false when it was the last. */
export function parseShutdowns(datagram: Buffer, found: Map<number, number>): boolean {
  return eachMessage(datagram, INET_MESSAGE_SIZE, (message) => {
    const how = attributesOf(message, INET_MESSAGE_SIZE).get(INET_DIAG_SHUTDOWN)?.[0] ?? 0;
    if (how !== 0) found.set(message.readUInt32LE(INET_MESSAGE_SIZE - 4), how);
  });
}

/** Adds the connections of one netlink datagram; false when it was the last. */
export function parseConnections(datagram: Buffer, found: TcpDiag[]): boolean {
  return eachMessage(datagram, INET_MESSAGE_SIZE, (message) => {
    const words = message.readUInt8(0) === AF.inet ? 1 : 4;
    const address = (portAt: number, at: number): InetAddress => ({
      port: message.readUInt16BE(portAt),
      words: Array.from({ length: words }, (_, index) => message.readUInt32LE(at + index * 4)),
      scope: 0,
    });
    const info = attributesOf(message, INET_MESSAGE_SIZE).get(INET_DIAG_INFO);
    found.push({
      source: address(4, 8),
      peer: address(6, 24),
      inode: message.readUInt32LE(INET_MESSAGE_SIZE - 4),
      state: message.readUInt8(1),
      cookie: message.readBigUInt64LE(INET_COOKIE),
      idleMs: info && info.length >= INFO.lastSent + 4 ? info.readUInt32LE(INFO.lastSent) : 0,
      received: info && info.length >= INFO.received + 8 ? info.readBigUInt64LE(INFO.received) : 0n,
    });
  });
}

/** The messages of one netlink datagram, of at least `size` bytes, without their headers; false when it was the last. */
export function eachMessage(
  datagram: Buffer,
  size: number,
  take: (message: Buffer) => void,
): boolean {
  let at = 0;
  while (at + HEADER_SIZE <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    const least = type === NLMSG_DONE ? 0 : type === NLMSG_ERROR ? ERROR_SIZE : size;
    if (length < HEADER_SIZE + least || at + length > datagram.length) {
      throw new ShimError('internal', 'list sockets: a message of no sensible length');
    }
    if (type === NLMSG_DONE) return false;
    if (type === NLMSG_ERROR) check('list sockets', datagram.readInt32LE(at + HEADER_SIZE));
    else take(datagram.subarray(at + HEADER_SIZE, at + length));
    at += align4(length);
  }
  return true;
}

/** Whether a message has an attribute of a type: there may be thousands of messages, of which few have it. */
function hasAttribute(message: Buffer, start: number, type: number): boolean {
  for (let at = start; at + 4 <= message.length;) {
    const length = message.readUInt16LE(at);
    if (length < 4) return false;
    if (message.readUInt16LE(at + 2) === type) return true;
    at += align4(length);
  }
  return false;
}

/** Attributes behind the fixed part of a message, by type. */
export function attributesOf(message: Buffer, start: number): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = start; at + 4 <= message.length;) {
    const length = message.readUInt16LE(at);
    if (length < 4) break;
    attributes.set(message.readUInt16LE(at + 2), message.subarray(at + 4, at + length));
    at += align4(length);
  }
  return attributes;
}

function parseUnixMessage(message: Buffer): UnixDiag {
  const attributes = attributesOf(message, MESSAGE_SIZE);
  const queues = attributes.get(4);
  return {
    type: message.readUInt8(1),
    state: message.readUInt8(2),
    inode: message.readUInt32LE(4),
    name: Uint8Array.from(attributes.get(0) ?? []),
    peer: attributes.get(2)?.readUInt32LE(0) ?? 0,
    waiting: numbersIn(attributes.get(3)),
    receiveQueue: queues?.readUInt32LE(0) ?? 0,
    sendQueue: queues?.readUInt32LE(4) ?? 0,
    shutdown: attributes.get(6)?.readUInt8(0) ?? 0,
  };
}

function numbersIn(bytes: Buffer = Buffer.alloc(0)): number[] {
  return Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readUInt32LE(index * 4));
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
