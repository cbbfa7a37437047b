// SPDX-License-Identifier: Apache-2.0
import { POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { closeFd, SYS } from '../../../../native/sys.js';
import type { MvasSkOption, SkOptsEntry } from '../../../image/types.js';
import type { OptionName } from '../../../plan/socket-options.js';
import type { DumpContext } from '../dump-context.js';
import { inNamespaceOf } from '../../in-namespace.js';
import { inodeOwnerOf } from '../deleted/inode-attributes.js';
import type { GeneralOptions } from './general-options.js';
import { getRaw } from './get-option.js';
import { listShutdowns } from './sock-diag.js';
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
import { OptionReader, type OptionRecord } from './option-reader.js';
import { SocketTable } from './socket-table.js';
import { pollNow } from '../system.js';

/** Permissions of a new socket (net/socket.c, sock_alloc). */
const NEW_MODE = 0o777;

/** What TCP_MAXSEG may be set to (do_tcp_setsockopt, net/ipv4/tcp.c). */
const SEGMENTS = { least: 88, most: 32767 } as const;
const IPPROTO_ICMP6 = 58;

/**
 * What no stream socket can set (do_ip_setsockopt, net/ipv4/ip_sockglue.c): HDRINCL, ROUTER_ALERT and NODEFRAG are for raw ones,
 * MULTICAST_IF for those without connections; MULTICAST_TTL of IPv4, MULTICAST_HOPS of IPv6, which an accepted connection
 * has from its peer's packet.
 */
const NOT_OF_STREAMS: readonly OptionName[] = [
  ...[3, 5, 22, 32, 33].map((name) => [SOL.ip, name] as const),
  [SOL.ipv6, 18],
];

type DumpedSocket = Pick<OpenFile, 'own' | 'where' | 'stat'>;

/** Dumps the options of sockets; knows the options of a new socket of each kind. */
export class SocketOptions {
  readonly #context: DumpContext;
  readonly #table: SocketTable;
  readonly #known = new Map<GeneralOptions, Map<OptionRecord | undefined, Shared[]>>();
  /** By family, type and protocol. */
  readonly #fresh = new Map<number, FreshSocket>();
  #shutdowns: ReadonlyMap<number, number> | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
    this.#table = context.shared(SocketTable);
  }

  /**
   * Dumps the options of a socket; `state` is that of its connection (TCP_*), if it is one of TCP. Sockets with the same
   * options share the result, so nobody may change it.
   */
  dump(file: DumpedSocket, state?: number): SkOptsEntry {
    const general = this.#table.general(file);
    const fresh = this.#freshLike(general);
    const others = fresh?.optionsOf(file.own);
    const seen = { general, fresh, others };
    // Of others more is asked than what has been read.
    const isPlain = general.sizeOf(SO.filter) === 0 && general.protocol !== IPPROTO_ICMP6;
    if (!isPlain || isApart(state)) return this.#describe(file, seen, state);
    const known = this.#sharedOf(general, others);
    const { uid, gid, mode } = file.stat;
    const same = known.find((one) => one.uid === uid && one.gid === gid && one.mode === mode);
    if (same) return same.entry;
    const entry = Object.freeze(this.#describe(file, seen, state));
    known.push({ uid, gid, mode, entry });
    return entry;
  }

  /** What sockets with these options share. */
  #sharedOf(general: GeneralOptions, others: OptionRecord | undefined): Shared[] {
    const byOthers = this.#known.get(general) ?? new Map<OptionRecord | undefined, Shared[]>();
    this.#known.set(general, byOthers);
    const shared = byOthers.get(others) ?? [];
    byOthers.set(others, shared);
    return shared;
  }

  #describe(
    file: DumpedSocket,
    { general, fresh, others }: SeenOptions,
    state: number | undefined,
  ): SkOptsEntry {
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
      mvas_options: othersOf(file.own, { fresh, others }, state),
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

  #freshLike(general: GeneralOptions): FreshSocket | undefined {
    const { domain, type, protocol } = general;
    const kind = (domain * 16 + type) * 65536 + protocol;
    const known = this.#fresh.get(kind);
    if (known !== undefined) return known;
    const fd = inNamespaceOf(this.#context.init.pid, 'net', () =>
      syscall(SYS.socket, domain, type | 0o2000000, protocol),
    );
    if (fd < 0) return undefined;
    try {
      const fresh = new FreshSocket(fd, type === SOCK.stream);
      this.#fresh.set(kind, fresh);
      fresh.ask(this.#table.ofKind(general));
      return fresh;
    } finally {
      closeFd(fd);
    }
  }
}

/** An entry that sockets of an owner share. */
interface Shared {
  readonly uid: bigint;
  readonly gid: bigint;
  readonly mode: bigint;
  readonly entry: SkOptsEntry;
}

/** What the kernel has told of a socket's options. */
interface SeenOptions {
  readonly general: GeneralOptions;
  readonly fresh: FreshSocket | undefined;
  readonly others: OptionRecord | undefined;
}

/** The compared options of a new socket of a kind, and those that others of the kind have. */
class FreshSocket {
  /** Those that sockets of this kind have. */
  readonly names: readonly OptionName[];
  readonly values: readonly number[];
  readonly congestion: string | undefined;
  /** Reads them, then the congestion control. */
  readonly #reader: OptionReader;
  readonly #known = new Map<number, OptionRecord>();

  constructor(socket: number, isStream: boolean) {
    const all = OTHERS.flatMap(([level, names]) => names.map((name) => [level, name] as const));
    const asked = isStream ? all.filter((one) => !isIn(NOT_OF_STREAMS, one)) : all;
    const first = readerOf(asked).read(socket);
    this.names = asked.filter((_, index) => first.int(index) !== undefined);
    this.#reader = readerOf(this.names);
    const own = this.#reader.read(socket);
    this.values = this.names.map((_, index) => own.int(index) ?? 0);
    this.congestion = wordOf(own, this.names.length);
  }

  /** Reads the options of sockets of this kind. */
  ask(sockets: readonly number[]): void {
    const records = this.#reader.readAll(sockets);
    sockets.forEach((own, index) => {
      const record = records[index];
      if (record) this.#known.set(own, record);
    });
  }

  /** Those of a socket. Sockets that were asked together share equal ones. */
  optionsOf(own: number): OptionRecord | undefined {
    if (!this.#known.has(own)) this.ask([own]);
    return this.#known.get(own);
  }
}

/** Options that differ from those of a new socket. */
function othersOf(
  socket: number,
  { fresh, others }: Pick<SeenOptions, 'fresh' | 'others'>,
  state: number | undefined,
): MvasSkOption[] {
  if (!fresh || !others) return [];
  const numbers = fresh.names.flatMap(([level, name], index) => {
    const value = others.int(index);
    if (value === undefined || value === fresh.values[index]) return [];
    const isMaxSegment = level === SOL.tcp && name === TCP.maxSegment;
    if (isMaxSegment && !isSegment(socket, value, state)) return [];
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return [{ level, name, value: bytes }];
  });
  return [...numbers, ...congestionOf(fresh, others), ...icmp6FilterOf(socket)];
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
function congestionOf({ congestion, names }: FreshSocket, others: OptionRecord): MvasSkOption[] {
  if (congestion === undefined) return [];
  const value = wordOf(others, names.length);
  if (value === undefined || value === congestion) return [];
  return [{ level: SOL.tcp, name: TCP.congestion, value: Buffer.from(value, 'latin1') }];
}

/** The types of messages that a raw socket of ICMPv6 does not receive; by default it receives all. */
function icmp6FilterOf(socket: number): MvasSkOption[] {
  const value = getRaw(socket, SOL.icmp6, ICMP6_FILTER, ICMP6_FILTER_SIZE);
  if (value?.length !== ICMP6_FILTER_SIZE || value.every((byte) => byte === 0)) return [];
  return [{ level: SOL.icmp6, name: ICMP6_FILTER, value }];
}

function wordOf(options: OptionRecord, index: number): string | undefined {
  return options.bytes(index)?.toString('latin1').replace(/\0.*$/s, '');
}
