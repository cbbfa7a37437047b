// SPDX-License-Identifier: Apache-2.0
import { SO, SOL } from '../../../../native/abi/index.js';

/** SO_BUF_LOCK: both sizes were set by hand. */
export const BUFFERS_LOCKED = 3;

/** Switches of SOL_SOCKET which CRIU's message has a field for. */
export const SWITCHES = {
  so_passcred: 16,
  so_passsec: 34,
  so_dontroute: 5,
  so_no_check: 11,
  so_reuseport: 15,
  so_broadcast: 6,
  so_keepalive: 9,
} as const;

/** Numbers of SOL_SOCKET which CRIU's message has a field for. */
export const NUMBERS = { so_priority: 12, so_rcvlowat: 18, so_mark: 36, so_oobinline: 10 } as const;

/** Options of SOL_TCP that need more than their value. */
export const TCP = { maxSegment: 2, congestion: 13 } as const;
/** Bytes of the name of a congestion control (TCP_CA_NAME_MAX). */
export const CONGESTION_SIZE = 16;

/** ICMPV6_FILTER, a set of 256 bits (linux/icmpv6.h). */
export const ICMP6_FILTER = 1;
export const ICMP6_FILTER_SIZE = 32;

/**
 * All other options: level and name, each an int. Kept only if they differ from those of a new socket; a restore
 * accepts no others.
 */
export const OTHERS: readonly (readonly [number, readonly number[]])[] = [
  // TIMESTAMP, TIMESTAMPNS, TIMESTAMPING, RXQ_OVFL, PEEK_OFF, BUSY_POLL, ZEROCOPY, PASSPIDFD, PASSRIGHTS
  [SOL.socket, [29, 35, 37, 40, SO.peekOff, 46, 60, SO.passPidfd, SO.passRights]],
  // TOS, TTL, HDRINCL, ROUTER_ALERT, PKTINFO, MTU_DISCOVER, RECVERR, RECVTTL, RECVTOS, FREEBIND, TRANSPARENT,
  // RECVORIGDSTADDR, MINTTL, NODEFRAG, BIND_ADDRESS_NO_PORT, MULTICAST_IF, MULTICAST_TTL,
  // MULTICAST_LOOP, MULTICAST_ALL
  [SOL.ip, [1, 2, 3, 5, 8, 10, 11, 12, 13, 15, 19, 20, 21, 22, 24, 32, 33, 34, 49]],
  // UNICAST_HOPS, MULTICAST_HOPS, MULTICAST_LOOP, MTU_DISCOVER, RECVERR, MULTICAST_ALL, RECVPKTINFO, RECVHOPLIMIT,
  // HDRINCL, DONTFRAG, RECVTCLASS, TCLASS, AUTOFLOWLABEL, TRANSPARENT, FREEBIND
  [SOL.ipv6, [16, 18, 19, 23, 25, 29, 36, 49, 51, 62, 66, 67, 70, 75, 78]],
  // ICMP_FILTER, IPV6_CHECKSUM
  [SOL.raw, [1, 7]],
  // NODELAY, MAXSEG, CORK, KEEPIDLE, KEEPINTVL, KEEPCNT, SYNCNT, LINGER2, DEFER_ACCEPT, WINDOW_CLAMP,
  // USER_TIMEOUT, FASTOPEN, NOTSENT_LOWAT, SAVE_SYN, FASTOPEN_CONNECT
  [SOL.tcp, [1, TCP.maxSegment, 3, 4, 5, 6, 7, 8, 9, 10, 18, 23, 25, 27, 30]],
  // ENCAP, NO_CHECK6_TX, NO_CHECK6_RX, SEGMENT, GRO
  [SOL.udp, [100, 101, 102, 103, 104]],
  // PKTINFO, BROADCAST_ERROR, NO_ENOBUFS, CAP_ACK, EXT_ACK, GET_STRICT_CHK
  [SOL.netlink, [3, 4, 5, 10, 11, 12]],
  // TX_HAS_OFF, QDISC_BYPASS, IGNORE_OUTGOING, VNET_HDR_SZ (which VNET_HDR sets as well)
  [SOL.packet, [19, 20, 23, 24]],
];

/** The pairs of a table of options. */
export function words<K extends string>(table: Readonly<Record<K, number>>): [K, number][] {
  return Object.entries(table) as [K, number][];
}
