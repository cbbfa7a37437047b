// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../../common/ids.js';
import { logger } from '../../../../../common/log.js';
import { AF, IOCTL, POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { check, SYS } from '../../../../../native/sys.js';
import type { InetSkEntry, SkShutdown } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { describeAddress, NO_ADDRESS, type InetAddress } from '../../sockets/inet-address.js';
import { isLocalAddress } from '../../sockets/local-address.js';
import { MulticastGroups, multicastInterface } from '../../sockets/multicast.js';
import { dumpOwner } from '../../owner.js';
import { getOption, getRaw } from '../../sockets/get-option.js';
import { SocketOptions } from '../../sockets/socket-options.js';
import { TcpKeys } from '../../sockets/tcp-keys.js';
import { SHUTDOWN_WORDS } from '../../sockets/shutdown.js';
import { SocketTable, type SocketLook } from '../../sockets/socket-table.js';
import { tcpInfo, type TcpInfo } from '../../sockets/tcp-info.js';
import { ioctlInt, pollNow } from '../../system.js';
import { hasRest, TcpConnections } from './connections.js';
import { RawSockets } from './raw.js';
import { IPPROTO, isConnection, isTcp, transportOf } from './protocols.js';

const log = logger('files');

const UDP_CORK = 1;
/** MSG_PEEK, MSG_DONTWAIT. */
const PEEK_NOW = 0x2 | 0x40;

/** Describes a socket; undefined once it has refused it. */
export function dumpSocket(context: DumpContext, file: OpenFile): InetSkEntry | undefined {
  const seen = lookAt(context.shared(SocketTable), file);
  const { family, type, proto, info, isEnded, look } = seen;
  const options = context.shared(SocketOptions);
  const source = sourceOf(seen, file);
  const raw = context.shared(RawSockets);
  const transport = transportOf(type, proto);
  const peer = look.peer ?? raw.peerOf(file, transport);
  const { port: dst_port, words: dst_addr } = peer ?? NO_ADDRESS;
  const problem =
    protocolProblem(type, proto) ??
    raw.problem(file, { family, type, proto }) ??
    transportProblem(file, transport, { source, peer });
  if (problem !== undefined) {
    context.refusals.add(file.where, problem);
    return undefined;
  }
  if (type !== SOCK.stream) warnOfUnread(context, file, source.port);
  const { state, backlog } = stateOf(info, peer);
  // As one literal: see readInet.
  const entry: InetSkEntry = {
    id: file.id,
    ino: inodeOf(file),
    family,
    type,
    proto,
    state,
    src_port: source.port,
    dst_port,
    flags: file.flags,
    backlog,
    src_addr: [...source.words],
    dst_addr: [...dst_addr],
    fown: dumpOwner(context, file),
    opts: options.dump(file, info?.state),
    mvas_memberships: [],
    mvas_keys: [],
  };
  if (isEnded) entry.shutdown = 'BOTH';
  addByTransport(context, file, entry, seen);
  return entry;
}

/** The number of a socket by which sock_diag and /proc name it. */
function inodeOf({ stat }: OpenFile): number {
  return Number(stat.ino & 0xffffffffn);
}

/** What only sockets of some types have. */
function addByTransport(
  context: DumpContext,
  file: OpenFile,
  entry: InetSkEntry,
  { info, look }: Seen,
): void {
  const { type, proto, family, src_addr: words, src_port: port } = entry;
  if (family === AF.inet6 && type !== SOCK.raw) {
    entry.v6only = context.shared(SocketTable).general(file).isV6only;
  }
  if (info && proto === IPPROTO.tcp) {
    context.shared(TcpConnections).add({ file, entry, info, look });
  }
  if (isConnection(entry)) return;
  if (info && proto === IPPROTO.tcp) dumpKeys(context, file, entry);
  if (type !== SOCK.stream) {
    entry.shutdown = shutdownOf(context.shared(SocketOptions), file);
    dumpMulticast(context, file, entry);
  }
  if (isNonlocal(context.init.pid, { port, words, scope: 0 })) entry.mvas_nonlocal = true;
}

/** Keys of a TCP socket that is not connected. One whose connection has ended needs none any more. */
function dumpKeys(context: DumpContext, file: OpenFile, entry: InetSkEntry): void {
  if (entry.shutdown !== undefined) return;
  const state = entry.state === SOCKET_STATE.listen ? 'listening' : 'neither';
  const keys = context.shared(TcpKeys).of(file, state);
  if (typeof keys !== 'string') entry.mvas_keys = keys;
  else {
    const problem = `a TCP socket with ${keys} cannot be restored; remedy: remove them`;
    context.refusals.add(file.where, problem);
  }
}

/** Groups of a datagram socket, and the interface by which it sends to groups. */
function dumpMulticast(context: DumpContext, { own, where }: OpenFile, entry: InetSkEntry): void {
  const memberships = context.shared(MulticastGroups).of(own);
  if (typeof memberships === 'string') context.refusals.add(where, memberships);
  else entry.mvas_memberships = memberships;
  const out = entry.family === AF.inet6 ? multicastInterface(own) : undefined;
  if (out !== undefined) entry.mvas_multicast_if = out;
}

/**
 * How a datagram socket is shut down. The kernel does not list a socket that is not bound; poll(2) reports reading.
 */
function shutdownOf(options: SocketOptions, { own, stat }: OpenFile): SkShutdown | undefined {
  const events = pollOf(own);
  const polled = events & POLL.hup ? 3 : events & POLL.rdhup ? 1 : 0;
  const how = polled | options.shutdownOf(Number(stat.ino & 0xffffffffn));
  return how === 0 ? undefined : SHUTDOWN_WORDS[how & 3];
}

/** Whether a network namespace lacks an address, so that only IP_FREEBIND or the like permits binding to it. */
function isNonlocal(pid: HostPid, { words }: InetAddress): boolean {
  return words.some((word) => word !== 0) && !isLocalAddress(pid, words);
}

/** A connection that has ended, and was read to its end, is restored without an address. */
function sourceOf({ isEnded, proto, look }: Seen, { own }: OpenFile): InetAddress {
  const isRead = isEnded && !(proto === IPPROTO.tcp && hasRest(own));
  return (isRead ? undefined : look.source) ?? NO_ADDRESS;
}

/** The kind of a socket, and what TCP tells of it. */
interface Seen {
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  readonly info: TcpInfo | undefined;
  readonly look: SocketLook;
  /** Closed by both sides, or reset, unlike a socket that was never connected (tcp_poll, net/ipv4/tcp.c). */
  readonly isEnded: boolean;
}

function lookAt(table: SocketTable, file: OpenFile): Seen {
  const { domain: family, type, protocol: proto } = table.general(file);
  const look = table.look(file);
  const info = type === SOCK.stream && isTcp(proto) ? look.info : undefined;
  const isEnded = info?.state === SOCKET_STATE.close && (look.events & POLL.rdhup) !== 0;
  return { family, type, proto, info, look, isEnded };
}

function stateOf(
  info: TcpInfo | undefined,
  peer: InetAddress | undefined,
): { state: number; backlog: number } {
  if (!info) return { state: peer ? SOCKET_STATE.established : SOCKET_STATE.close, backlog: 0 };
  const { state, backlog } = info;
  return { state, backlog: state === SOCKET_STATE.listen ? backlog : 0 };
}

function protocolProblem(type: number, proto: number): string | undefined {
  if (type === SOCK.raw || (type === SOCK.stream && isTcp(proto))) return undefined;
  const datagram: readonly number[] = [IPPROTO.udp, IPPROTO.udplite, IPPROTO.icmp, IPPROTO.icmp6];
  if (type === SOCK.dgram && datagram.includes(proto)) return undefined;
  return `sockets of protocol ${String(proto)} (type ${String(type)}) cannot be restored; remedy: close it`;
}

function transportProblem(
  file: OpenFile,
  proto: number,
  { source, peer }: { readonly source: InetAddress; readonly peer: InetAddress | undefined },
): string | undefined {
  if (!isTcp(proto)) return udpProblem(file.own, proto) ?? scopeProblem(source, peer);
  // The other end of a connection is found by its address, or ends.
  if (proto === IPPROTO.tcp && peer !== undefined) return undefined;
  return tcpProblem(file.own, proto, peer) ?? scopeProblem(source, peer);
}

function tcpProblem(
  socket: number,
  proto: number,
  peer: InetAddress | undefined,
): string | undefined {
  if (proto !== IPPROTO.mptcp) return undefined;
  const { state, pending } = tcpInfo(socket);
  if (state !== SOCKET_STATE.listen) return multipathProblem(socket, state, peer);
  if (pending === 0) return undefined;
  return 'Multipath TCP connections wait to be accepted; remedy: try again once they are';
}

/** A Multipath TCP connection may go on without its first subflow. */
function multipathProblem(
  socket: number,
  state: number,
  peer: InetAddress | undefined,
): string | undefined {
  if (state !== SOCKET_STATE.close || peer !== undefined) {
    const to = peer ? ` to ${describeAddress(peer)}` : '';
    return `a Multipath TCP connection${to} is open; remedy: close it before the checkpoint`;
  }
  if ((pollOf(socket) & POLL.err) === 0 && !hasUnreadBytes(socket)) return undefined;
  return 'a Multipath TCP connection has ended and was not read to its end; remedy: close it';
}

/** Events of a socket (struct pollfd) without waiting for any. */
function pollOf(socket: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(socket, 0);
  entry.writeInt16LE(POLL.rdhup, 4);
  check('poll a socket', syscall(SYS.poll, entry, 1, 0));
  return entry.readInt16LE(6);
}

/** Multipath TCP counts the end of a connection as one byte (mptcp_inq_hint, net/mptcp/protocol.c). */
function hasUnreadBytes(socket: number): boolean {
  const bytes = ioctlInt(socket, IOCTL.fionread) ?? 0;
  if (bytes !== 1) return bytes > 0;
  return syscall(SYS.recvfrom, socket, Buffer.alloc(1), 1, PEEK_NOW, null, null) > 0;
}

function scopeProblem(source: InetAddress, peer: InetAddress | undefined): string | undefined {
  const isScoped = source.scope !== 0 || (peer !== undefined && peer.scope !== 0);
  return isScoped ? 'link-local addresses cannot be restored; remedy: close it' : undefined;
}

function udpProblem(socket: number, proto: number): string | undefined {
  const corked = proto === IPPROTO.udp && getOption(socket, SOL.udp, UDP_CORK) === 1;
  return corked ? 'a corked UDP socket cannot be restored; remedy: uncork it' : undefined;
}

/** What waits in a datagram socket is lost, as on a network that drops it. */
function warnOfUnread({ warnings }: DumpContext, { own, where }: OpenFile, port: number): void {
  if ((pollNow(own, POLL.in) & POLL.in) === 0) return;
  // SK_MEMINFO_RMEM_ALLOC (linux/sock_diag.h), which includes the kernel's own overhead.
  const bytes = getRaw(own, SOL.socket, SO.memInfo, 36)?.readUInt32LE(0);
  if (bytes === 0) return; // It is readable because of its end: it has been shut down.
  warnings.push({ log, message: 'unread datagrams are not kept', fields: { where, port, bytes } });
}
