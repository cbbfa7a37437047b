// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { AF } from '../../../../native/abi/index.js';
import { askSockDiag, attributesOf, eachMessage, isNotFound } from './sock-diag.js';

/* What the kernel says of packet sockets (linux/packet_diag.h). */

const REQUEST_SIZE = 20;
const MESSAGE_SIZE = 16;
/** PACKET_SHOW_INFO, MCLIST, RING_CFG, FANOUT. */
const SHOW = 1 | 2 | 4 | 8;
/** PACKET_DIAG_*. */
const ATTRIBUTE = { info: 0, memberships: 1, receiveRing: 2, sendRing: 3, fanout: 4 } as const;
/** `struct packet_diag_info`, and PDI_RUNNING of its flags. */
const INFO = { size: 24, copyThreshold: 12, flags: 20 } as const;
const RUNNING = 1;
const RING_SIZE = 28;
/** `struct packet_diag_mclist`: index, count, type, length of the address, room for it. */
const MEMBERSHIP = { size: 44, index: 0, count: 4, type: 8, length: 10, address: 12 } as const;
/** Bytes of the longest hardware address (MAX_ADDR_LEN, linux/netdevice.h). */
export const MAX_HARDWARE_ADDRESS = 32;

/** A group of an interface that a packet socket is in, or all of its packets (PACKET_MR_*). */
export interface PacketMembership {
  readonly index: number;
  readonly count: number;
  readonly type: number;
  readonly address: Uint8Array;
}

/** The sizes of a ring (`struct tpacket_req3`). */
export interface PacketRing {
  readonly block_size: number;
  readonly block_nr: number;
  readonly frame_size: number;
  readonly frame_nr: number;
  readonly retire_tmo: number;
  readonly sizeof_priv: number;
  readonly features: number;
}

/** What no option of a packet socket tells. */
export interface PacketDiag {
  readonly inode: number;
  readonly copyThreshold: number;
  /** Whether packets reach it: not if it has no protocol, or its interface is down. */
  readonly isRunning: boolean;
  /** The newest first. */
  readonly memberships: readonly PacketMembership[];
  readonly receiveRing: PacketRing | undefined;
  readonly sendRing: PacketRing | undefined;
  readonly hasFanout: boolean;
}

/**
 * The packet sockets of the network namespace of a process, by inode; undefined if the kernel does not list any
 * (without CONFIG_PACKET_DIAG).
 */
export function listPacketSockets(pid: HostPid): ReadonlyMap<number, PacketDiag> | undefined {
  const found = new Map<number, PacketDiag>();
  const seen = { isThere: true };
  const request = Buffer.alloc(REQUEST_SIZE);
  request.writeUInt8(AF.packet, 0);
  request.writeUInt32LE(SHOW, 8);
  askSockDiag(pid, request, (datagram) => {
    seen.isThere = !isNotFound(datagram);
    return seen.isThere && parsePacketDiag(datagram, found);
  });
  return seen.isThere ? found : undefined;
}

/** Adds the sockets of one netlink datagram; false when it was the last. */
export function parsePacketDiag(datagram: Buffer, found: Map<number, PacketDiag>): boolean {
  return eachMessage(datagram, MESSAGE_SIZE, (message) => {
    const socket = parseMessage(message);
    found.set(socket.inode, socket);
  });
}

function parseMessage(message: Buffer): PacketDiag {
  const attributes = attributesOf(message, MESSAGE_SIZE);
  const info = attributes.get(ATTRIBUTE.info);
  const infoAt = (at: number): number =>
    info && info.length >= INFO.size ? info.readUInt32LE(at) : 0;
  return {
    inode: message.readUInt32LE(4),
    copyThreshold: infoAt(INFO.copyThreshold),
    isRunning: (infoAt(INFO.flags) & RUNNING) !== 0,
    memberships: parseMemberships(attributes.get(ATTRIBUTE.memberships) ?? Buffer.alloc(0)),
    receiveRing: parseRing(attributes.get(ATTRIBUTE.receiveRing)),
    sendRing: parseRing(attributes.get(ATTRIBUTE.sendRing)),
    hasFanout: attributes.has(ATTRIBUTE.fanout),
  };
}

function parseMemberships(list: Buffer): PacketMembership[] {
  const count = Math.floor(list.length / MEMBERSHIP.size);
  return Array.from({ length: count }, (_, at) => {
    const one = list.subarray(at * MEMBERSHIP.size, (at + 1) * MEMBERSHIP.size);
    const length = Math.min(one.readUInt16LE(MEMBERSHIP.length), MAX_HARDWARE_ADDRESS);
    return {
      index: one.readInt32LE(MEMBERSHIP.index),
      count: one.readUInt32LE(MEMBERSHIP.count),
      type: one.readUInt16LE(MEMBERSHIP.type),
      address: Uint8Array.from(one.subarray(MEMBERSHIP.address, MEMBERSHIP.address + length)),
    };
  });
}

function parseRing(ring: Buffer | undefined): PacketRing | undefined {
  if (!ring || ring.length < RING_SIZE) return undefined;
  const word = (index: number): number => ring.readUInt32LE(index * 4);
  return {
    block_size: word(0),
    block_nr: word(1),
    frame_size: word(2),
    frame_nr: word(3),
    retire_tmo: word(4),
    sizeof_priv: word(5),
    features: word(6),
  };
}
