// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import { syscall } from '../../../native/index.js';
import { call, check, closeFd, SYS } from '../../../native/sys.js';
import { inNamespaceOf } from '../in-namespace.js';
import { AF, SOCK } from './abi.js';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST_DUMP = 0x301;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER_SIZE = 16;
const MESSAGE_SIZE = 16;
const SOCK_CLOEXEC = 0o2000000;
/** UDIAG_SHOW_NAME, VFS, PEER, ICONS, RQLEN. */
const SHOW = 1 | 2 | 4 | 8 | 16;
const ALL_STATES = 0xffffffff;
const RECEIVE_SIZE = 64 * 1024;

/** What the kernel tells of a unix socket (linux/unix_diag.h). */
export interface UnixDiag {
  readonly inode: number;
  readonly type: number;
  /** TCP_* state: 1 connected, 7 not, 10 listening. */
  readonly state: number;
  /** sun_path: empty, a path (with its NUL), or an abstract name after a NUL. */
  readonly name: Uint8Array;
  /** Inode of the socket at the other end; 0 where it is gone or not accepted yet. */
  readonly peer: number;
  /** Listening: connections not accepted yet, and how many may be. Otherwise unread bytes. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Bit 0: shut down for reading, bit 1: for writing. */
  readonly shutdown: number;
}

/** All unix sockets of the network namespace of a process, by inode. */
export function listUnixSockets(pid: number): ReadonlyMap<number, UnixDiag> {
  const socket = inNamespaceOf(pid, 'net', () =>
    call('open sock_diag', SYS.socket, AF.netlink, SOCK.raw | SOCK_CLOEXEC, NETLINK_SOCK_DIAG),
  );
  try {
    const request = unixRequest();
    call('ask for unix sockets', SYS.sendto, socket, request, request.length, 0, null, 0);
    const found = new Map<number, UnixDiag>();
    const buffer = Buffer.alloc(RECEIVE_SIZE);
    for (let more = true; more;) {
      const length = syscall(SYS.recvfrom, socket, buffer, buffer.length, 0, null, null);
      more = parseUnixDiag(buffer.subarray(0, check('list unix sockets', length)), found);
    }
    return found;
  } finally {
    closeFd(socket);
  }
}

function unixRequest(): Uint8Array {
  const request = Buffer.alloc(HEADER_SIZE + 24);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
  request.writeUInt8(AF.unix, 16);
  request.writeUInt32LE(ALL_STATES, 20);
  request.writeUInt32LE(SHOW, 28);
  return request;
}

/** Adds the sockets of one netlink datagram; false when it was the last. */
export function parseUnixDiag(datagram: Buffer, found: Map<number, UnixDiag>): boolean {
  let at = 0;
  while (at + HEADER_SIZE <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    if (length < HEADER_SIZE || at + length > datagram.length) {
      throw new ShimError('internal', 'list unix sockets: a message of no sensible length');
    }
    if (type === NLMSG_DONE) return false;
    if (type === NLMSG_ERROR) check('list unix sockets', datagram.readInt32LE(at + HEADER_SIZE));
    else {
      const socket = parseUnixMessage(datagram.subarray(at + HEADER_SIZE, at + length));
      found.set(socket.inode, socket);
    }
    at += align4(length);
  }
  return true;
}

function parseUnixMessage(message: Buffer): UnixDiag {
  const attributes = new Map<number, Buffer>();
  for (let at = MESSAGE_SIZE; at + 4 <= message.length;) {
    const length = message.readUInt16LE(at);
    if (length < 4) break;
    attributes.set(message.readUInt16LE(at + 2), message.subarray(at + 4, at + length));
    at += align4(length);
  }
  const queues = attributes.get(4);
  return {
    type: message.readUInt8(1),
    state: message.readUInt8(2),
    inode: message.readUInt32LE(4),
    name: Uint8Array.from(attributes.get(0) ?? []),
    peer: attributes.get(2)?.readUInt32LE(0) ?? 0,
    receiveQueue: queues?.readUInt32LE(0) ?? 0,
    sendQueue: queues?.readUInt32LE(4) ?? 0,
    shutdown: attributes.get(6)?.readUInt8(0) ?? 0,
  };
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
