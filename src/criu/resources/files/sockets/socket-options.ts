// SPDX-License-Identifier: Apache-2.0
import { POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { closeFd, SYS } from '../../../../native/sys.js';
import type { MvasSkOption, SkOptsEntry } from '../../../image/types.js';
import type { OptionName } from '../../../plan/socket-options.js';
import type { DumpContext } from '../dump-context.js';
import { inNamespaceOf } from '../../in-namespace.js';
import { inodeOwnerOf } from '../deleted/inode-attributes.js';
import { listKeyedSockets, listShutdowns, type KeyedState } from './sock-diag.js';
import { dumpFilter, type SocketFilter } from './socket-filter.js';
import type { OpenFile } from '../open-file.js';
import {
  BUFFERS_LOCKED,
  CONGESTION_SIZE,
  ICMP6_FILTER,
  ICMP6_FILTER_SIZE,
  NUMBERS,
  OTHERS,
  SWITCHES,
  TCP,
  words,
} from './option-names.js';
import { OptionReader } from './option-reader.js';
import { pollNow } from '../system.js';

/** Permissions of a new socket (net/socket.c, sock_alloc). */
const NEW_MODE = 0o777;

/** Those of SOL_SOCKET that are an int and are always read. */
const PLAIN: readonly number[] = [
  ...Object.values(SWITCHES),
  ...Object.values(NUMBERS),
  ...[SO.domain, SO.type, SO.protocol, SO.sndbuf, SO.rcvbuf, SO.reuseAddr, SO.bufLock],
];

/** Sizes of those that are no int. Room for none tells the number of a filter's instructions. */
const WIDE: readonly (readonly [name: number, size: number])[] = [
  [SO.sndTimeout, 16],
  [SO.rcvTimeout, 16],
  [SO.bindToDevice, 16],
  [SO.linger, 8],
  [SO.filter, 0],
];

/** Where {@link GeneralOptions} has an option. */
const PLACE = new Map([...PLAIN, ...WIDE.map(([name]) => name)].map((name, at) => [name, at]));

/** TCP_AO_INFO, with room for `struct tcp_ao_info_opt` (linux/tcp.h): the kernel answers only where there are keys. */
export const TCP_AO_INFO = [SOL.tcp, 40, 48] as const;
/** What TCP_MAXSEG may be set to (do_tcp_setsockopt, net/ipv4/tcp.c). */
const SEGMENTS = { least: 88, most: 32767 } as const;
const IPPROTO_ICMP6 = 58;

/**
 * MULTICAST_TTL of IPv4, MULTICAST_HOPS of IPv6: an accepted connection has it from its peer's packet, and no
 * stream socket can set it (do_ip_setsockopt, net/ipv4/ip_sockglue.c).
 */
const NOT_OF_STREAMS: readonly OptionName[] = [
  [SOL.ip, 33],
  [SOL.ipv6, 18],
];

/** The value of an int option; undefined if the socket has no such option. */
export function getOption(socket: number, level: number, name: number): number | undefined {
  const value = getRaw(socket, level, name, 4);
  if (!value) return undefined;
  return value.length >= 4 ? value.readInt32LE(0) : value[0];
}

/** The value of a socket option as bytes; undefined if there is no such option. */
export function getRaw(
  socket: number,
  level: number,
  name: number,
  size: number,
): Buffer | undefined {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  if (syscall(SYS.getsockopt, socket, level, name, value, length) < 0) return undefined;
  return value.subarray(0, Math.min(length.readUInt32LE(0), size));
}

type DumpedSocket = Pick<OpenFile, 'own' | 'where' | 'stat'>;

/** Reads options of SOL_SOCKET. */
class GeneralOptions {
  readonly #reader = new OptionReader([
    ...PLAIN.map((name) => [SOL.socket, name] as const),
    ...WIDE.map(([name, size]) => [SOL.socket, name, size] as const),
  ]);

  read(socket: number): void {
    this.#reader.read(socket);
  }

  int(name: number): number | undefined {
    return this.#reader.int(PLACE.get(name) ?? -1);
  }

  bytes(name: number): Buffer | undefined {
    return this.#reader.bytes(PLACE.get(name) ?? -1);
  }

  get key(): string {
    return this.#reader.key;
  }

  /** Size of a value, or -errno. */
  sizeOf(name: number): number {
    return this.#reader.sizeOf(PLACE.get(name) ?? -1);
  }

  timeout(name: number): [bigint, bigint] {
    const value = this.bytes(name);
    return value?.length === 16 ? [value.readBigUInt64LE(0), value.readBigUInt64LE(8)] : [0n, 0n];
  }
}

/** Dumps the options of sockets; knows the options of a new socket of each kind. */
export class SocketOptions {
  readonly #context: DumpContext;
  readonly #general = new GeneralOptions();
  readonly #known = new Map<string, SkOptsEntry>();
  readonly #fresh = new Map<string, FreshSocket>();
  readonly #keyed = new Map<KeyedState, ReadonlySet<number>>();
  #shutdowns: ReadonlyMap<number, number> | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /**
   * Dumps the options of a socket; `state` is that of its connection (TCP_*), if it is one of TCP. Sockets with the same
   * options share the result, so nobody may change it.
   */
  dump(file: DumpedSocket, state?: number): SkOptsEntry {
    const general = this.#general;
    general.read(file.own);
    const protocol = general.int(SO.protocol) ?? 0;
    const fresh = this.#freshLike(general.int(SO.domain) ?? 0, general.int(SO.type) ?? 0, protocol);
    fresh?.reader.read(file.own);
    // Of others more is asked than what has been read.
    const isPlain = general.sizeOf(SO.filter) === 0 && protocol !== IPPROTO_ICMP6;
    if (!isPlain || isApart(state)) return this.#describe(file, fresh, state);
    const { uid, gid, mode } = file.stat;
    const key = [uid, gid, mode, general.key, fresh?.reader.key].join();
    let entry = this.#known.get(key);
    if (!entry) this.#known.set(key, (entry = Object.freeze(this.#describe(file, fresh, state))));
    return entry;
  }

  #describe(
    file: DumpedSocket,
    fresh: FreshSocket | undefined,
    state: number | undefined,
  ): SkOptsEntry {
    const general = this.#general;
    const option = (name: number): number => general.int(name) ?? 0;
    const [sndSec, sndUsec] = general.timeout(SO.sndTimeout);
    const [rcvSec, rcvUsec] = general.timeout(SO.rcvTimeout);
    const device = general.bytes(SO.bindToDevice)?.toString().replace(/\0.*$/s, '');
    const linger = general.bytes(SO.linger);
    const entry: SkOptsEntry = {
      so_sndbuf: option(SO.sndbuf),
      so_rcvbuf: option(SO.rcvbuf),
      so_snd_tmo_sec: sndSec,
      so_snd_tmo_usec: sndUsec,
      so_rcv_tmo_sec: rcvSec,
      so_rcv_tmo_usec: rcvUsec,
      reuseaddr: option(SO.reuseAddr) !== 0,
      so_buf_lock: general.int(SO.bufLock) ?? BUFFERS_LOCKED,
      ...this.#filterOf(file, general.sizeOf(SO.filter)),
      mvas_options: fresh ? othersOf(file.own, fresh, state) : [],
    };
    const { mvas_mode, ...owner } = inodeOwnerOf(file.stat);
    if (owner.mvas_uid !== 0 || owner.mvas_gid !== 0) Object.assign(entry, owner);
    if (mvas_mode !== NEW_MODE) Object.assign(entry, { mvas_mode });
    for (const [field, name] of words(SWITCHES)) entry[field] = option(name) !== 0;
    for (const [field, name] of words(NUMBERS)) entry[field] = option(name);
    if (device) entry.so_bound_dev = device;
    if (linger && linger.readInt32LE(0) !== 0) entry.so_linger = linger.readInt32LE(4);
    return entry;
  }

  /**
   * The option that gave a TCP socket its keys for signatures, which cannot be read; undefined if it has none.
   * `isSigned` is whether the kernel tells TCP_AO_INFO.
   */
  keysOf(isSigned: boolean, inode: number, state: KeyedState): string | undefined {
    if (isSigned) return 'TCP_AO_ADD_KEY';
    const keyed = this.#keyed.get(state) ?? listKeyedSockets(this.#context.init.pid, state);
    this.#keyed.set(state, keyed);
    return keyed.has(inode) ? 'TCP_MD5SIG' : undefined;
  }

  /** The directions in which a bound UDP socket is shut down: bit 0 for reading, bit 1 for writing. */
  shutdownOf(inode: number): number {
    this.#shutdowns ??= listShutdowns(this.#context.init.pid);
    return this.#shutdowns.get(inode) ?? 0;
  }

  #filterOf({ own, where }: Pick<OpenFile, 'own' | 'where'>, count: number): SocketFilter {
    const filter = dumpFilter(own, count);
    if (typeof filter !== 'string') return filter;
    this.#context.refusals.add(where, filter);
    return { so_filter: [] };
  }

  #freshLike(domain: number, type: number, protocol: number): FreshSocket | undefined {
    const kind = [domain, type, protocol].join();
    const known = this.#fresh.get(kind);
    if (known !== undefined) return known;
    const fd = inNamespaceOf(this.#context.init.pid, 'net', () =>
      syscall(SYS.socket, domain, type | 0o2000000, protocol),
    );
    if (fd < 0) return undefined;
    try {
      const fresh = lookAtFresh(fd, type === SOCK.stream);
      this.#fresh.set(kind, fresh);
      return fresh;
    } finally {
      closeFd(fd);
    }
  }
}

/** The compared options of a new socket of a kind. */
interface FreshSocket {
  /** Those that sockets of this kind have. */
  readonly names: readonly OptionName[];
  readonly values: readonly number[];
  readonly congestion: string | undefined;
  /** Reads them, then the congestion control. */
  readonly reader: OptionReader;
}

/** Options that differ from those of a new socket. */
function othersOf(socket: number, fresh: FreshSocket, state: number | undefined): MvasSkOption[] {
  const numbers = fresh.names.flatMap(([level, name], index) => {
    const value = fresh.reader.int(index);
    if (value === undefined || value === fresh.values[index]) return [];
    const isMaxSegment = level === SOL.tcp && name === TCP.maxSegment;
    if (isMaxSegment && !isSegment(socket, value, state)) return [];
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return [{ level, name, value: bytes }];
  });
  return [...numbers, ...congestionOf(fresh), ...icmp6FilterOf(socket)];
}

function lookAtFresh(socket: number, isStream: boolean): FreshSocket {
  const all = OTHERS.flatMap(([level, names]) => names.map((name) => [level, name] as const));
  const asked = isStream ? all.filter((one) => !isIn(NOT_OF_STREAMS, one)) : all;
  const first = readerOf(asked);
  first.read(socket);
  const names = asked.filter((_, index) => first.int(index) !== undefined);
  const reader = readerOf(names);
  reader.read(socket);
  const values = names.map((_, index) => reader.int(index) ?? 0);
  return { names, values, congestion: wordOf(reader, names.length), reader };
}

/** Reads options, then the congestion control. */
function readerOf(names: readonly OptionName[]): OptionReader {
  return new OptionReader([...names, [SOL.tcp, TCP.congestion, CONGESTION_SIZE]]);
}

function isIn(options: readonly OptionName[], [level, name]: OptionName): boolean {
  return options.some((one) => one[0] === level && one[1] === name);
}

/**
 * Whether TCP_MAXSEG is what was set. For a connection, also one that has ended or was tried, it is that connection's
 * value (tcp_sock.mss_cache).
 */
function isSegment(socket: number, value: number, state: number | undefined): boolean {
  if (!isApart(state) || value < SEGMENTS.least || value > SEGMENTS.most) return false;
  return (pollNow(socket, POLL.rdhup) & POLL.rdhup) === 0; // It has not ended.
}

/** Whether a TCP socket has no connection. */
function isApart(state: number | undefined): boolean {
  return state === SOCKET_STATE.close || state === SOCKET_STATE.listen;
}

/** The congestion control of a socket, if it differs from that of a new one. */
function congestionOf({ congestion, reader, names }: FreshSocket): MvasSkOption[] {
  if (congestion === undefined) return [];
  const value = wordOf(reader, names.length);
  if (value === undefined || value === congestion) return [];
  return [{ level: SOL.tcp, name: TCP.congestion, value: Buffer.from(value, 'latin1') }];
}

/** The types of messages that a raw socket of ICMPv6 does not receive; by default it receives all. */
function icmp6FilterOf(socket: number): MvasSkOption[] {
  const value = getRaw(socket, SOL.icmp6, ICMP6_FILTER, ICMP6_FILTER_SIZE);
  if (value?.length !== ICMP6_FILTER_SIZE || value.every((byte) => byte === 0)) return [];
  return [{ level: SOL.icmp6, name: ICMP6_FILTER, value }];
}

function wordOf(reader: OptionReader, index: number): string | undefined {
  return reader.bytes(index)?.toString('latin1').replace(/\0.*$/s, '');
}
