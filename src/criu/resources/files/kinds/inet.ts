// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { badImage } from '../../../../common/errors.js';
import { logger } from '../../../../common/log.js';
import { AF, IOCTL, O, POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { call, check, closeFd, SYS } from '../../../../native/sys.js';
import type { CheckedFiles } from '../../../image/entry-kind.js';
import type { InetSkEntry, SkOptsEntry, SkShutdown } from '../../../image/types.js';
import { inNamespaceOf } from '../../in-namespace.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import {
  checkMulticast,
  MulticastGroups,
  multicastInterface,
  planMulticast,
} from '../sockets/multicast.js';
import { dumpOwner } from '../owner.js';
import {
  getOption,
  getRaw,
  planFinalSocketOptions,
  planSocketOptions,
  planUnlockBuffer,
  setOption,
  SocketOptions,
} from '../sockets/socket-options.js';
import { SHUTDOWN_HOW, SHUTDOWN_WORDS } from '../sockets/shutdown.js';
import { planFilter } from '../sockets/socket-filter.js';
import type { FileKind } from '../kind.js';
import type { PlanContext } from '../plan-context.js';
import { checkSocketOptions } from '../sockets/checks.js';
import { familyOf } from '../sockets/family.js';
import type { Stage } from '../stage.js';
import { pollNow } from '../system.js';

const log = logger('files');

const IPPROTO = { tcp: 6, udp: 17, icmp: 1, icmp6: 58, udplite: 136, mptcp: 262 } as const;
const TCP_INFO = 11;
const UDP_CORK = 1;
const IPV6_V6ONLY = 26;
const ENOTCONN = -107;
const EADDRNOTAVAIL = -99;
const INADDR_SIZE = 16;
/** MSG_PEEK, MSG_DONTWAIT. */
const PEEK_NOW = 0x2 | 0x40;
/** IP_FREEBIND of IPv4 and of IPv6 (linux/in.h, linux/in6.h). */
const FREEBIND = { [AF.inet]: [SOL.ip, 15], [AF.inet6]: [SOL.ipv6, 78] } as const;

interface Address {
  readonly port: number;
  readonly words: number[];
  readonly scope: number;
}

const NO_ADDRESS: Address = { port: 0, words: [], scope: 0 };

/**
 * An internet socket: listening or unconnected TCP, UDP in every state, ping sockets. Also a TCP connection that
 * has ended but is still open: it reads as ended, but no longer has an address.
 */
export const INET: FileKind<'isk'> = {
  type: 'INETSK',
  body: 'isk',
  hasQueue: true,
  claims: (file) => [AF.inet, AF.inet6].some((family) => familyOf(file) === family),
  dump,
  check(socket, _files, what) {
    checkMulticast(socket, what);
    checkSocketOptions(socket.opts, what);
  },
  checkAll,
  open,
};

function dump(context: DumpContext, file: OpenFile): InetSkEntry | undefined {
  const option = (name: number): number => getOption(file.own, SOL.socket, name) ?? 0;
  const [family, type, proto] = [option(SO.domain), option(SO.type), option(SO.protocol)];
  const options = context.shared(SocketOptions);
  const isEnded = type === SOCK.stream && isTcp(proto) && isEndedConnection(file.own);
  const source = sourceOf(file.own, isEnded);
  const peer = address(file.own, SYS.getpeername);
  const { port: dst_port, words: dst_addr } = peer ?? NO_ADDRESS;
  const problem =
    protocolProblem(type, proto) ??
    transportProblem(options, file, proto, peer) ??
    scopeProblem(source, peer);
  if (problem !== undefined) {
    context.refusals.add(file.where, problem);
    return undefined;
  }
  if (!isTcp(proto)) warnOfUnread(file, source.port);
  const entry: InetSkEntry = {
    id: file.id,
    ino: Number(file.stat.ino & 0xffffffffn),
    family,
    type,
    proto,
    ...stateOf(file.own, proto, peer),
    src_port: source.port,
    dst_port,
    flags: file.flags,
    src_addr: source.words,
    dst_addr,
    fown: dumpOwner(context, file),
    opts: options.dump(file.own, file.where),
    mvas_memberships: [],
  };
  if (isEnded) entry.shutdown = 'BOTH';
  if (type === SOCK.dgram) {
    entry.shutdown = shutdownOf(options, file);
    dumpMulticast(context, file, entry);
  }
  if (isNonlocal(context.init.pid, family, source)) entry.mvas_nonlocal = true;
  if (family === AF.inet6) entry.v6only = getOption(file.own, SOL.ipv6, IPV6_V6ONLY) === 1;
  return entry;
}

/** The content of connections, which images of others contain, must belong to sockets. */
function checkAll(sockets: readonly InetSkEntry[], { image }: CheckedFiles): void {
  const inodes = new Set(sockets.map(({ ino }) => ino));
  for (const ino of image.tcpStreams.keys()) {
    if (!inodes.has(ino)) badImage(`check tcp-stream ${ino.toString(16)}: no such socket`);
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
function isNonlocal(pid: HostPid, family: number, { words }: Address): boolean {
  if (words.every((word) => word === 0)) return false;
  return inNamespaceOf(pid, 'net', () => {
    const probe = call('make a socket', SYS.socket, family, SOCK.dgram | O.cloexec, 0);
    try {
      const raw = socketAddress(family, 0, words);
      return syscall(SYS.bind, probe, raw, raw.length) === EADDRNOTAVAIL;
    } finally {
      closeFd(probe);
    }
  });
}

/** A connection that has ended is restored without an address. */
function sourceOf(socket: number, isEnded: boolean): Address {
  return (isEnded ? undefined : address(socket, SYS.getsockname)) ?? NO_ADDRESS;
}

function stateOf(
  socket: number,
  proto: number,
  peer: Address | undefined,
): { state: number; backlog: number } {
  if (!isTcp(proto)) {
    return { state: peer ? SOCKET_STATE.established : SOCKET_STATE.close, backlog: 0 };
  }
  const { state, backlog } = tcpInfo(socket);
  return { state, backlog: state === SOCKET_STATE.listen ? backlog : 0 };
}

/** TCP, or Multipath TCP, whose sockets report their first subflow where a TCP socket reports itself. */
function isTcp(proto: number): boolean {
  return proto === IPPROTO.tcp || proto === IPPROTO.mptcp;
}

function protocolProblem(type: number, proto: number): string | undefined {
  if (type === SOCK.stream && isTcp(proto)) return undefined;
  const datagram: readonly number[] = [IPPROTO.udp, IPPROTO.udplite, IPPROTO.icmp, IPPROTO.icmp6];
  if (type === SOCK.dgram && datagram.includes(proto)) return undefined;
  return `sockets of protocol ${String(proto)} (type ${String(type)}) cannot be restored; remedy: close it`;
}

function transportProblem(
  options: SocketOptions,
  file: OpenFile,
  proto: number,
  peer: Address | undefined,
): string | undefined {
  if (!isTcp(proto)) return udpProblem(file.own, proto);
  return tcpProblem(file.own, proto, peer) ?? keyProblem(options, file);
}

function tcpProblem(socket: number, proto: number, peer: Address | undefined): string | undefined {
  const { state, pending } = tcpInfo(socket);
  // A Multipath TCP connection may go on without its first subflow.
  if (state === SOCKET_STATE.close && peer === undefined) {
    const isRead = (pollOf(socket) & POLL.err) === 0 && !hasUnreadBytes(socket, proto);
    return isRead
      ? undefined
      : 'a TCP connection has ended and was not read to its end; remedy: close it';
  }
  if (state !== SOCKET_STATE.listen) {
    const to = peer ? ` to ${describe(peer)}` : '';
    return `a TCP connection${to} is open; remedy: close connections before the checkpoint`;
  }
  if (pending === 0) return undefined;
  return 'connections wait to be accepted; remedy: try again once they are';
}

function keyProblem(options: SocketOptions, { stat }: OpenFile): string | undefined {
  if (!options.hasKeys(Number(stat.ino & 0xffffffffn))) return undefined;
  return 'keys of a TCP socket (TCP_MD5SIG) cannot be restored; remedy: remove them';
}

/** Closed by both sides, or reset, unlike a socket that was never connected (tcp_poll, net/ipv4/tcp.c). */
function isEndedConnection(socket: number): boolean {
  return tcpInfo(socket).state === SOCKET_STATE.close && (pollOf(socket) & POLL.rdhup) !== 0;
}

/** Events of a socket (struct pollfd) without waiting for any. */
function pollOf(socket: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(socket, 0);
  entry.writeInt16LE(POLL.rdhup, 4);
  check('poll a socket', syscall(SYS.poll, entry, 1, 0));
  return entry.readInt16LE(6);
}

function hasUnreadBytes(socket: number, proto: number): boolean {
  const count = Buffer.alloc(4);
  check('count unread bytes', syscall(SYS.ioctl, socket, IOCTL.fionread, count));
  const bytes = count.readInt32LE(0);
  if (proto === IPPROTO.tcp || bytes !== 1) return bytes > 0;
  // Multipath TCP counts the end of a connection as one byte (mptcp_inq_hint, net/mptcp/protocol.c).
  return syscall(SYS.recvfrom, socket, Buffer.alloc(1), 1, PEEK_NOW, null, null) > 0;
}

function scopeProblem(source: Address, peer: Address | undefined): string | undefined {
  const isScoped = source.scope !== 0 || (peer !== undefined && peer.scope !== 0);
  return isScoped ? 'link-local addresses cannot be restored; remedy: close it' : undefined;
}

function udpProblem(socket: number, proto: number): string | undefined {
  const corked = proto === IPPROTO.udp && getOption(socket, SOL.udp, UDP_CORK) === 1;
  return corked ? 'a corked UDP socket cannot be restored; remedy: uncork it' : undefined;
}

/** What waits in a datagram socket is lost, as on a network that drops it. */
function warnOfUnread({ own, where }: OpenFile, port: number): void {
  if ((pollNow(own, POLL.in) & POLL.in) === 0) return;
  // SK_MEMINFO_RMEM_ALLOC (linux/sock_diag.h), which includes the kernel's own overhead.
  const bytes = getRaw(own, SOL.socket, SO.memInfo, 36)?.readUInt32LE(0);
  if (bytes === 0) return; // It is readable because of its end: it has been shut down.
  log.warn('unread datagrams are not kept', { where, port, bytes });
}

function describe({ port, words }: Address): string {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  if (words.length === 1) return `${[...bytes].join('.')}:${String(port)}`;
  return `[${(bytes.toString('hex').match(/.{4}/g) ?? []).join(':')}]:${String(port)}`;
}

/** State, and for a listening socket, waiting connections and their bound (struct tcp_info). */
function tcpInfo(socket: number): { state: number; pending: number; backlog: number } {
  const info = Buffer.alloc(104);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length);
  check('get TCP_INFO', syscall(SYS.getsockopt, socket, SOL.tcp, TCP_INFO, info, length));
  return {
    state: info.readUInt8(0),
    pending: info.readUInt32LE(24),
    backlog: info.readUInt32LE(28),
  };
}

function address(socket: number, nr: number): Address | undefined {
  const raw = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(raw.length);
  const result = syscall(nr, socket, raw, length);
  if (result === ENOTCONN) return undefined;
  check('get the address of a socket', result);
  const port = raw.readUInt16BE(2);
  if (raw.readUInt16LE(0) === AF.inet) return { port, words: [raw.readUInt32LE(4)], scope: 0 };
  const words = [8, 12, 16, 20].map((at) => raw.readUInt32LE(at));
  return { port, words, scope: raw.readUInt32LE(24) };
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(family: number, port: number, words: readonly number[]): Buffer {
  const raw = Buffer.alloc(family === AF.inet ? INADDR_SIZE : 28);
  raw.writeUInt16LE(family, 0);
  raw.writeUInt16BE(port, 2);
  const [start, count] = family === AF.inet ? [4, 1] : [8, 4];
  for (let i = 0; i < count; i++) raw.writeUInt32LE(words[i] ?? 0, start + i * 4);
  return raw;
}

/** Creates the socket, and binds, connects or listens. */
function open({ stage }: PlanContext, entry: InetSkEntry, number: number): void {
  const { family, type, proto, opts } = entry;
  const what = `file ${String(entry.id)}: socket on port ${String(entry.src_port)}`;
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(what, number, SYS.socket, [family, type | flags, proto]);
  planSocketOptions(stage, number, opts);
  planFilter(stage, number, opts); // Before anything can arrive.
  if (family === AF.inet6) setOption(stage, number, [SOL.ipv6, IPV6_V6ONLY], entry.v6only ? 1 : 0);
  planAddresses(stage, entry, { number, what });
  planMulticast(stage, entry, number);
  if (entry.state === SOCKET_STATE.listen) {
    stage.run(`${what}: listen`, SYS.listen, [number, Math.min(entry.backlog, 0xffff)]);
  }
  const how = SHUTDOWN_HOW[entry.shutdown ?? 'NONE'];
  if (how !== undefined) {
    // Returns ENOTCONN if there is no connection, and shuts it down nevertheless (inet_shutdown,
    // net/ipv4/af_inet.c).
    stage.attempt(`${what}: shut down`, SYS.shutdown, [number, how]);
    if (type === SOCK.stream) planUnlockBuffer(stage, number, opts); // it had grown by itself
  }
  planFinalSocketOptions(stage, number, opts);
}

/**
 * Binds and connects a socket. The container was permitted to do so, whatever its options say now; so what they
 * forbid is permitted for the moment.
 */
function planAddresses(
  stage: Stage,
  entry: InetSkEntry,
  { number, what }: { readonly number: number; readonly what: string },
): void {
  const { family, opts } = entry;
  const at = (verb: string, nr: number, port: number, words: readonly number[]): void => {
    const raw = socketAddress(family, port, words);
    stage.run(`${what}: ${verb}`, nr, [number, stage.builder.data(raw), raw.length]);
  };
  if (entry.src_port !== 0 || entry.src_addr.some((word) => word !== 0)) {
    const free = entry.mvas_nonlocal ? allowed(opts, family) : undefined;
    if (free) setOption(stage, number, free.option, 1);
    at('bind', SYS.bind, entry.src_port, entry.src_addr);
    if (free) setOption(stage, number, free.option, free.value);
  }
  if (entry.state === SOCKET_STATE.established && entry.type === SOCK.dgram) {
    setOption(stage, number, [SOL.socket, SO.broadcast], 1);
    at('connect', SYS.connect, entry.dst_port, entry.dst_addr);
    if (!opts.so_broadcast) setOption(stage, number, [SOL.socket, SO.broadcast], 0);
  }
}

/** IP_FREEBIND of a family, and its final value. */
function allowed(opts: SkOptsEntry, family: number) {
  const option = family === AF.inet6 ? FREEBIND[AF.inet6] : FREEBIND[AF.inet];
  const kept = opts.mvas_options.find(
    ({ level, name }) => level === option[0] && name === option[1],
  );
  return { option, value: kept?.value[0] ?? 0 };
}
