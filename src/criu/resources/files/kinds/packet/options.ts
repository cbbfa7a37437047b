// SPDX-License-Identifier: Apache-2.0

/** Options of SOL_PACKET (linux/if_packet.h). */
export const PACKET_OPTION = {
  addMembership: 1,
  receiveRing: 5,
  copyThreshold: 7,
  auxData: 8,
  originalDevice: 9,
  version: 10,
  reserve: 12,
  sendRing: 13,
  loss: 14,
  networkHeader: 15,
  timestamp: 17,
  fanout: 18,
} as const;

/** `struct sockaddr_ll`: the protocol is in network order. */
export const LINK_ADDRESS = { size: 20, protocol: 2, index: 4 } as const;

/** `struct packet_mreq` with room for the longest address. */
export const REQUEST = { size: 40, index: 0, type: 4, length: 6, address: 8 } as const;

/** Stands for no group of sockets that share the packets (PACKET_FANOUT). */
export const NO_FANOUT = 0xffffffff;

/** Ways to share whose program cannot be read: PACKET_FANOUT_CBPF, PACKET_FANOUT_EBPF. */
export const FANOUT_PROGRAMS: readonly number[] = [6, 7];

/** The way in which the sockets of a group share: PACKET_FANOUT_*. */
export function fanoutType(fanout: number): number {
  return (fanout >>> 16) & 0xff;
}
