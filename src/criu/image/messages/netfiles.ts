// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/netfiles.proto; do not edit.
/** Files of the network stack: packet and netlink sockets, and those that our engine refuses, kept readable so that it can say so. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';
import type { SkOptsEntry } from './sockets.js';

/** Membership of a packet socket: a group, or all packets of an interface. */
export interface PacketMclist {
  index: number;
  type: number;
  addr: Uint8Array;

  /** The interface, which may have another index at a restore. */
  mvas_interface?: string | undefined;

  /** How often it was joined; default 1. */
  mvas_count?: number | undefined;
}

/** Ring of a packet socket. */
export interface PacketRing {
  block_size: number;
  block_nr: number;
  frame_size: number;
  frame_nr: number;
  retire_tmo: number;
  sizeof_priv: number;
  features: number;

  /** The block that the kernel was about to fill: the first one of the new ring. */
  mvas_head?: number | undefined;

  /** Blocks that nobody has released. */
  mvas_blocks: MvasPacketBlock[];
}

/** A block of a ring, with its header. */
export interface MvasPacketBlock {
  index: number;
  content: Uint8Array;
}

/** A packet socket. */
export interface PacketSockEntry {
  id: number;
  type: number;
  protocol: number;
  flags: number;
  ifindex: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  version: number;
  reserve: number;
  aux_data: boolean;
  orig_dev: boolean;
  vnet_hdr: boolean;
  loss: boolean;
  timestamp: number;
  copy_thresh: number;
  mclist: PacketMclist[];
  fanout?: number | undefined;
  rx_ring?: PacketRing | undefined;
  tx_ring?: PacketRing | undefined;
  ns_id?: number | undefined;

  /** The interface that it is bound to, which may have another index at a restore. */
  mvas_interface?: string | undefined;

  /** That interface was down, and the socket had told so (ENETDOWN). */
  mvas_down?: boolean | undefined;
}

/** A netlink socket. */
export interface NetlinkSkEntry {
  id: number;
  ino: number;
  protocol: number;
  state: number;
  flags: number;
  portid: number;
  groups: number[];
  dst_portid: number;
  dst_group: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  ns_id?: number | undefined;
}

/** An open /dev/net/tun. */
export interface TunfileEntry {
  id: number;
  netdev?: string | undefined;
  detached?: boolean | undefined;
  ns_id?: number | undefined;
}

/** Field tables of this file's messages. */
export const NETFILES_MESSAGES = {
  packet_mclist: [
    ['index', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'uint32'],
    ['addr', 3, 'required', 'bytes'],
    ['mvas_interface', 10000, 'optional', 'string'],
    ['mvas_count', 10001, 'optional', 'uint32'],
  ],
  packet_ring: [
    ['block_size', 1, 'required', 'uint32'],
    ['block_nr', 2, 'required', 'uint32'],
    ['frame_size', 3, 'required', 'uint32'],
    ['frame_nr', 4, 'required', 'uint32'],
    ['retire_tmo', 5, 'required', 'uint32'],
    ['sizeof_priv', 6, 'required', 'uint32'],
    ['features', 7, 'required', 'uint32'],
    ['mvas_head', 10000, 'optional', 'uint32'],
    ['mvas_blocks', 10001, 'repeated', 'mvas_packet_block'],
  ],
  mvas_packet_block: [
    ['index', 1, 'required', 'uint32'],
    ['content', 2, 'required', 'bytes'],
  ],
  packet_sock_entry: [
    ['id', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'uint32'],
    ['protocol', 3, 'required', 'uint32'],
    ['flags', 4, 'required', 'uint32'],
    ['ifindex', 5, 'required', 'uint32'],
    ['fown', 6, 'required', 'fown_entry'],
    ['opts', 7, 'required', 'sk_opts_entry'],
    ['version', 8, 'required', 'uint32'],
    ['reserve', 9, 'required', 'uint32'],
    ['aux_data', 10, 'required', 'bool'],
    ['orig_dev', 11, 'required', 'bool'],
    ['vnet_hdr', 12, 'required', 'bool'],
    ['loss', 13, 'required', 'bool'],
    ['timestamp', 14, 'required', 'uint32'],
    ['copy_thresh', 15, 'required', 'uint32'],
    ['mclist', 16, 'repeated', 'packet_mclist'],
    ['fanout', 17, 'optional', 'uint32'],
    ['rx_ring', 18, 'optional', 'packet_ring'],
    ['tx_ring', 19, 'optional', 'packet_ring'],
    ['ns_id', 20, 'optional', 'uint32'],
    ['mvas_interface', 10000, 'optional', 'string'],
    ['mvas_down', 10001, 'optional', 'bool'],
  ],
  netlink_sk_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ino', 2, 'required', 'uint32'],
    ['protocol', 3, 'required', 'uint32'],
    ['state', 4, 'required', 'uint32'],
    ['flags', 6, 'required', 'uint32'],
    ['portid', 7, 'required', 'uint32'],
    ['groups', 8, 'repeated', 'uint32'],
    ['dst_portid', 9, 'required', 'uint32'],
    ['dst_group', 10, 'required', 'uint32'],
    ['fown', 11, 'required', 'fown_entry'],
    ['opts', 12, 'required', 'sk_opts_entry'],
    ['ns_id', 13, 'optional', 'uint32'],
  ],
  tunfile_entry: [
    ['id', 1, 'required', 'uint32'],
    ['netdev', 2, 'optional', 'string'],
    ['detached', 3, 'optional', 'bool'],
    ['ns_id', 4, 'optional', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const NETFILES_ENUMS = {} as const satisfies EnumTables;
