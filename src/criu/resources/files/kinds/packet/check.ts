// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { SOCK } from '../../../../../native/abi/index.js';
import type { PacketMclist, PacketSockEntry } from '../../../../image/types.js';
import { checkSocketOptions } from '../../sockets/checks.js';
import { isInterfaceName } from '../../sockets/interface.js';
import { MAX_HARDWARE_ADDRESS } from '../../sockets/packet-diag.js';
import { FANOUT_PROGRAMS, fanoutType, NO_FANOUT } from './options.js';

const MAX_PROTOCOL = 0xffff;
/** TPACKET_V3. */
const MAX_VERSION = 2;
const MAX_INT = 0x7fffffff;
/** PACKET_MR_UNICAST. */
const MAX_MEMBERSHIP_TYPE = 3;
/** More than any program joins; the plan has an operation for each time. */
export const MAX_JOINS = 1024;

/** Checks what an image says of a packet socket. Throws ShimError `dataLoss`. */
export function checkPacketSocket(socket: PacketSockEntry, what: string): void {
  const { type, protocol, version, reserve } = socket;
  checkSocketOptions(socket.opts, what);
  if (type !== SOCK.raw && type !== SOCK.dgram) badImage(`${what}: a packet socket of no type`);
  if (protocol > MAX_PROTOCOL) badImage(`${what}: a protocol beyond ${String(MAX_PROTOCOL)}`);
  if (version > MAX_VERSION || reserve > MAX_INT) badImage(`${what}: impossible rings`);
  if (socket.vnet_hdr && type !== SOCK.raw) badImage(`${what}: headers that only raw sockets have`);
  if (socket.rx_ring || socket.tx_ring) badImage(`${what}: rings are not restored`);
  checkInterface(socket, what);
  checkFanout(socket, what);
  checkMemberships(socket.mclist, what);
}

function checkInterface(socket: PacketSockEntry, what: string): void {
  const { ifindex, mvas_interface: name, mvas_down: isDown = false } = socket;
  const isBound = name !== undefined && isInterfaceName(name);
  if ((ifindex !== 0) !== isBound || (isDown && !isBound))
    badImage(`${what}: its interface has no name`);
}

function checkFanout({ fanout = NO_FANOUT }: PacketSockEntry, what: string): void {
  if (fanout !== NO_FANOUT && FANOUT_PROGRAMS.includes(fanoutType(fanout))) {
    badImage(`${what}: a program chooses among the sockets of its group`);
  }
}

function checkMemberships(list: readonly PacketMclist[], what: string): void {
  let joins = 0;
  for (const { type, addr, mvas_interface: name = '', mvas_count: count = 1 } of list) {
    joins += count;
    const isSane = type <= MAX_MEMBERSHIP_TYPE && addr.length <= MAX_HARDWARE_ADDRESS && count > 0;
    if (!isSane || !isInterfaceName(name)) badImage(`${what}: an impossible membership`);
  }
  if (joins > MAX_JOINS) badImage(`${what}: it has too many memberships`);
}
