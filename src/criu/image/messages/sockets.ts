// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/sockets.proto; do not edit.
/** Socket options, unix and internet sockets, unread packets. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** Which directions were shut down. */
export type SkShutdown = 'NONE' | 'READ' | 'WRITE' | 'BOTH';

/** Options at level SOL_SOCKET. */
export interface SkOptsEntry {
  so_sndbuf: number;
  so_rcvbuf: number;
  so_snd_tmo_sec: bigint;
  so_snd_tmo_usec: bigint;
  so_rcv_tmo_sec: bigint;
  so_rcv_tmo_usec: bigint;
  reuseaddr?: boolean | undefined;
  so_priority?: number | undefined;
  so_rcvlowat?: number | undefined;
  so_mark?: number | undefined;
  so_passcred?: boolean | undefined;
  so_passsec?: boolean | undefined;
  so_dontroute?: boolean | undefined;
  so_no_check?: boolean | undefined;
  so_bound_dev?: string | undefined;
  so_filter: bigint[];
  so_reuseport?: boolean | undefined;
  so_broadcast?: boolean | undefined;
  so_keepalive?: boolean | undefined;
  tcp_keepcnt?: number | undefined;
  tcp_keepidle?: number | undefined;
  tcp_keepintvl?: number | undefined;
  so_oobinline?: number | undefined;
  so_linger?: number | undefined;
  so_buf_lock?: number | undefined;
  mvas_options: MvasSkOption[];

  /** Who owns the socket (fstat), whoever has made it. */
  mvas_uid?: number | undefined;
  mvas_gid?: number | undefined;

  /** Its permissions, where they are not those of a new one. */
  mvas_mode?: number | undefined;

  /** SO_LOCK_FILTER: so_filter cannot be taken off or changed any more. */
  mvas_filter_locked?: boolean | undefined;
}

/** An option that CRIU's fields have no room for, as getsockopt(2) gave it. */
export interface MvasSkOption {
  level: number;
  name: number;
  value: Uint8Array;
}

/** Permissions of a socket's file. */
export interface FilePermsEntry {
  mode: number;
  uid: number;
  gid: number;
}

/** A unix socket. */
export interface UnixSkEntry {
  id: number;
  ino: number;
  type: number;
  state: number;
  flags: number;
  uflags: number;
  backlog: number;
  peer: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  name: Uint8Array;
  shutdown?: SkShutdown | undefined;
  file_perms?: FilePermsEntry | undefined;
  name_dir?: string | undefined;
  deleted?: boolean | undefined;
  ns_id?: number | undefined;
  mnt_id?: number | undefined;

  /** Who the other end is, as SO_PEERCRED says; for a listening socket, who listens. */
  mvas_peer_uid?: number | undefined;
  mvas_peer_gid?: number | undefined;

  /** Folder of its file, where the path in its name led there by symbolic links. */
  mvas_folder?: string | undefined;

  /** Paths of its file, where they are others than the one it was bound to (link, rename). */
  mvas_paths: string[];

  /** The other end of a datagram socket, or of a connection, has been closed. */
  mvas_peer_gone?: boolean | undefined;

  /** The other end had not read everything when it was closed: ECONNRESET waits for the next call. */
  mvas_reset?: boolean | undefined;

  /** The name that the other end had, and for a path the folder where that leads. */
  mvas_peer_name?: Uint8Array | undefined;
  mvas_peer_folder?: string | undefined;

  /** Id of the listening socket in which its connection waits to be accepted, and how many there are to be accepted before it. */
  mvas_listener?: number | undefined;
  mvas_turn?: number | undefined;
}

/** Options of raw sockets. */
export interface IpOptsRawEntry {
  hdrincl?: boolean | undefined;
  nodefrag?: boolean | undefined;
  checksum?: boolean | undefined;
  icmpv_filter: number[];
}

/** Options at level SOL_IP. */
export interface IpOptsEntry {
  freebind?: boolean | undefined;
  raw?: IpOptsRawEntry | undefined;
  pktinfo?: boolean | undefined;
  tos?: number | undefined;
  ttl?: number | undefined;
}

/** Options at level SOL_TCP. */
export interface TcpOptsEntry {
  cork?: boolean | undefined;
  nodelay?: boolean | undefined;
  keepcnt?: number | undefined;
  keepidle?: number | undefined;
  keepintvl?: number | undefined;
}

/** An internet socket; addresses are 32-bit words in network order. */
export interface InetSkEntry {
  id: number;
  ino: number;
  family: number;
  type: number;
  proto: number;
  state: number;
  src_port: number;
  dst_port: number;
  flags: number;
  backlog: number;
  src_addr: number[];
  dst_addr: number[];
  fown: FownEntry;
  opts: SkOptsEntry;
  v6only?: boolean | undefined;
  ip_opts?: IpOptsEntry | undefined;
  ifname?: string | undefined;
  ns_id?: number | undefined;
  shutdown?: SkShutdown | undefined;
  tcp_opts?: TcpOptsEntry | undefined;
  mvas_memberships: MvasMembership[];

  /** Name of the interface of IPV6_MULTICAST_IF. */
  mvas_multicast_if?: string | undefined;

  /** It is bound to an address that its network namespace does not have. */
  mvas_nonlocal?: boolean | undefined;

  /** An ended TCP connection: an error, such as ECONNRESET, waits for the next call. */
  mvas_reset?: boolean | undefined;

  /** A listening socket: how many connections from outside waited in it to be accepted; a restore drops them. */
  mvas_waiting_outside?: number | undefined;

  /** Keys for signatures of TCP (RFC 2385), the newest first. */
  mvas_keys: MvasTcpKey[];
}

/** With whom a TCP socket speaks by signatures (TCP_MD5SIG_EXT). */
export interface MvasTcpKey {
  /** 4 or 16 bytes, of which the first bits count. */
  address: Uint8Array;
  prefix: number;
  key: Uint8Array;
}

/** A multicast group that a socket is in; addresses in network order. */
export interface MvasMembership {
  /** Its name. */
  interface: string;
  group: Uint8Array;

  /** MCAST_EXCLUDE (0) or MCAST_INCLUDE (1) the sources. */
  mode: number;
  source: Uint8Array[];
}

/** State of an established connection; its queues follow. */
export interface TcpStreamEntry {
  inq_len: number;
  inq_seq: number;
  outq_len: number;
  outq_seq: number;
  opt_mask: number;
  snd_wscale: number;
  mss_clamp: number;
  rcv_wscale?: number | undefined;
  timestamp?: number | undefined;
  cork?: boolean | undefined;
  nodelay?: boolean | undefined;
  unsq_len?: number | undefined;
  snd_wl1?: number | undefined;
  snd_wnd?: number | undefined;
  max_window?: number | undefined;
  rcv_wnd?: number | undefined;
  rcv_wup?: number | undefined;

  /** Id of the file that is the other end, if the checkpoint has both. */
  mvas_peer?: number | undefined;

  /** Id of the listening socket in which the other end waits to be accepted, and how many there are to be accepted before it. */
  mvas_listener?: number | undefined;
  mvas_turn?: number | undefined;

  /** `ino` of the socket, in our own file, which has all connections. */
  mvas_ino?: number | undefined;
}

/** Ancillary data: passed files by id. */
export interface ScmEntry {
  type: number;
  rights: number[];
}

/** A packet in a socket's queue; `length` bytes follow. */
export interface SkPacketEntry {
  id_for: number;
  length: number;
  scm: ScmEntry[];

  /** Who has sent it, as SCM_CREDENTIALS says, where the socket asks for that; pid 0: nobody says. */
  mvas_pid?: number | undefined;
  mvas_uid?: number | undefined;
  mvas_gid?: number | undefined;

  /** The name of a sender that is not the socket's peer, and for a path the folder where that leads. */
  mvas_sender?: Uint8Array | undefined;
  mvas_folder?: string | undefined;
}

/** Field tables of this file's messages. */
export const SOCKETS_MESSAGES = {
  sk_opts_entry: [
    ['so_sndbuf', 1, 'required', 'uint32'],
    ['so_rcvbuf', 2, 'required', 'uint32'],
    ['so_snd_tmo_sec', 3, 'required', 'uint64'],
    ['so_snd_tmo_usec', 4, 'required', 'uint64'],
    ['so_rcv_tmo_sec', 5, 'required', 'uint64'],
    ['so_rcv_tmo_usec', 6, 'required', 'uint64'],
    ['reuseaddr', 7, 'optional', 'bool'],
    ['so_priority', 8, 'optional', 'uint32'],
    ['so_rcvlowat', 9, 'optional', 'uint32'],
    ['so_mark', 10, 'optional', 'uint32'],
    ['so_passcred', 11, 'optional', 'bool'],
    ['so_passsec', 12, 'optional', 'bool'],
    ['so_dontroute', 13, 'optional', 'bool'],
    ['so_no_check', 14, 'optional', 'bool'],
    ['so_bound_dev', 15, 'optional', 'string'],
    ['so_filter', 16, 'repeated', 'fixed64'],
    ['so_reuseport', 17, 'optional', 'bool'],
    ['so_broadcast', 18, 'optional', 'bool'],
    ['so_keepalive', 19, 'optional', 'bool'],
    ['tcp_keepcnt', 20, 'optional', 'uint32'],
    ['tcp_keepidle', 21, 'optional', 'uint32'],
    ['tcp_keepintvl', 22, 'optional', 'uint32'],
    ['so_oobinline', 23, 'optional', 'uint32'],
    ['so_linger', 24, 'optional', 'uint32'],
    ['so_buf_lock', 25, 'optional', 'uint32'],
    ['mvas_options', 10000, 'repeated', 'mvas_sk_option'],
    ['mvas_uid', 10001, 'optional', 'uint32'],
    ['mvas_gid', 10002, 'optional', 'uint32'],
    ['mvas_mode', 10003, 'optional', 'uint32'],
    ['mvas_filter_locked', 10004, 'optional', 'bool'],
  ],
  mvas_sk_option: [
    ['level', 1, 'required', 'uint32'],
    ['name', 2, 'required', 'uint32'],
    ['value', 3, 'required', 'bytes'],
  ],
  file_perms_entry: [
    ['mode', 1, 'required', 'uint32'],
    ['uid', 2, 'required', 'uint32'],
    ['gid', 3, 'required', 'uint32'],
  ],
  unix_sk_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ino', 2, 'required', 'uint32'],
    ['type', 3, 'required', 'uint32'],
    ['state', 4, 'required', 'uint32'],
    ['flags', 5, 'required', 'uint32'],
    ['uflags', 6, 'required', 'uint32'],
    ['backlog', 7, 'required', 'uint32'],
    ['peer', 8, 'required', 'uint32'],
    ['fown', 9, 'required', 'fown_entry'],
    ['opts', 10, 'required', 'sk_opts_entry'],
    ['name', 11, 'required', 'bytes'],
    ['shutdown', 12, 'optional', 'sk_shutdown'],
    ['file_perms', 13, 'optional', 'file_perms_entry'],
    ['name_dir', 14, 'optional', 'string'],
    ['deleted', 15, 'optional', 'bool'],
    ['ns_id', 16, 'optional', 'uint32'],
    ['mnt_id', 17, 'optional', 'sint32'],
    ['mvas_peer_uid', 10000, 'optional', 'uint32'],
    ['mvas_peer_gid', 10001, 'optional', 'uint32'],
    ['mvas_folder', 10002, 'optional', 'string'],
    ['mvas_paths', 10003, 'repeated', 'string'],
    ['mvas_peer_gone', 10004, 'optional', 'bool'],
    ['mvas_reset', 10005, 'optional', 'bool'],
    ['mvas_peer_name', 10006, 'optional', 'bytes'],
    ['mvas_peer_folder', 10007, 'optional', 'string'],
    ['mvas_listener', 10008, 'optional', 'uint32'],
    ['mvas_turn', 10009, 'optional', 'uint32'],
  ],
  ip_opts_raw_entry: [
    ['hdrincl', 1, 'optional', 'bool'],
    ['nodefrag', 2, 'optional', 'bool'],
    ['checksum', 3, 'optional', 'bool'],
    ['icmpv_filter', 4, 'repeated', 'uint32'],
  ],
  ip_opts_entry: [
    ['freebind', 1, 'optional', 'bool'],
    ['raw', 4, 'optional', 'ip_opts_raw_entry'],
    ['pktinfo', 5, 'optional', 'bool'],
    ['tos', 6, 'optional', 'uint32'],
    ['ttl', 7, 'optional', 'uint32'],
  ],
  tcp_opts_entry: [
    ['cork', 1, 'optional', 'bool'],
    ['nodelay', 2, 'optional', 'bool'],
    ['keepcnt', 3, 'optional', 'uint32'],
    ['keepidle', 4, 'optional', 'uint32'],
    ['keepintvl', 5, 'optional', 'uint32'],
  ],
  inet_sk_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ino', 2, 'required', 'uint32'],
    ['family', 3, 'required', 'uint32'],
    ['type', 4, 'required', 'uint32'],
    ['proto', 5, 'required', 'uint32'],
    ['state', 6, 'required', 'uint32'],
    ['src_port', 7, 'required', 'uint32'],
    ['dst_port', 8, 'required', 'uint32'],
    ['flags', 9, 'required', 'uint32'],
    ['backlog', 10, 'required', 'uint32'],
    ['src_addr', 11, 'repeated', 'uint32'],
    ['dst_addr', 12, 'repeated', 'uint32'],
    ['fown', 13, 'required', 'fown_entry'],
    ['opts', 14, 'required', 'sk_opts_entry'],
    ['v6only', 15, 'optional', 'bool'],
    ['ip_opts', 16, 'optional', 'ip_opts_entry'],
    ['ifname', 17, 'optional', 'string'],
    ['ns_id', 18, 'optional', 'uint32'],
    ['shutdown', 19, 'optional', 'sk_shutdown'],
    ['tcp_opts', 20, 'optional', 'tcp_opts_entry'],
    ['mvas_memberships', 10000, 'repeated', 'mvas_membership'],
    ['mvas_multicast_if', 10001, 'optional', 'string'],
    ['mvas_nonlocal', 10002, 'optional', 'bool'],
    ['mvas_reset', 10003, 'optional', 'bool'],
    ['mvas_waiting_outside', 10004, 'optional', 'uint32'],
    ['mvas_keys', 10005, 'repeated', 'mvas_tcp_key'],
  ],
  mvas_tcp_key: [
    ['address', 1, 'required', 'bytes'],
    ['prefix', 2, 'required', 'uint32'],
    ['key', 3, 'required', 'bytes'],
  ],
  mvas_membership: [
    ['interface', 1, 'required', 'string'],
    ['group', 2, 'required', 'bytes'],
    ['mode', 3, 'required', 'uint32'],
    ['source', 4, 'repeated', 'bytes'],
  ],
  tcp_stream_entry: [
    ['inq_len', 1, 'required', 'uint32'],
    ['inq_seq', 2, 'required', 'uint32'],
    ['outq_len', 3, 'required', 'uint32'],
    ['outq_seq', 4, 'required', 'uint32'],
    ['opt_mask', 5, 'required', 'uint32'],
    ['snd_wscale', 6, 'required', 'uint32'],
    ['mss_clamp', 7, 'required', 'uint32'],
    ['rcv_wscale', 8, 'optional', 'uint32'],
    ['timestamp', 9, 'optional', 'uint32'],
    ['cork', 10, 'optional', 'bool'],
    ['nodelay', 11, 'optional', 'bool'],
    ['unsq_len', 12, 'optional', 'uint32'],
    ['snd_wl1', 13, 'optional', 'uint32'],
    ['snd_wnd', 14, 'optional', 'uint32'],
    ['max_window', 15, 'optional', 'uint32'],
    ['rcv_wnd', 16, 'optional', 'uint32'],
    ['rcv_wup', 17, 'optional', 'uint32'],
    ['mvas_peer', 10000, 'optional', 'uint32'],
    ['mvas_listener', 10001, 'optional', 'uint32'],
    ['mvas_turn', 10002, 'optional', 'uint32'],
    ['mvas_ino', 10003, 'optional', 'uint32'],
  ],
  scm_entry: [
    ['type', 1, 'required', 'uint32'],
    ['rights', 2, 'repeated', 'uint32'],
  ],
  sk_packet_entry: [
    ['id_for', 1, 'required', 'uint32'],
    ['length', 2, 'required', 'uint32'],
    ['scm', 4, 'repeated', 'scm_entry'],
    ['mvas_pid', 10000, 'optional', 'uint32'],
    ['mvas_uid', 10001, 'optional', 'uint32'],
    ['mvas_gid', 10002, 'optional', 'uint32'],
    ['mvas_sender', 10003, 'optional', 'bytes'],
    ['mvas_folder', 10004, 'optional', 'string'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const SOCKETS_ENUMS = {
  sk_shutdown: { NONE: 0, READ: 1, WRITE: 2, BOTH: 3 },
} as const satisfies EnumTables;
