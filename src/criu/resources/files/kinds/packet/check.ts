// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { PAGE, SOCK } from '../../../../../native/abi/index.js';
import type { PacketMclist, PacketRing, PacketSockEntry } from '../../../../image/types.js';
import { MAX_RING } from '../../../../plan/abi.js';
import { checkSocketOptions } from '../../sockets/checks.js';
import { isInterfaceName } from '../../sockets/interface.js';
import { MAX_HARDWARE_ADDRESS } from '../../sockets/packet-diag.js';
import { BLOCK } from './ring-blocks.js';
import { FANOUT_PROGRAMS, fanoutType, NO_FANOUT } from './options.js';

const MAX_PROTOCOL = 0xffff;
/** TPACKET_V3. */
const MAX_VERSION = 2;
const MAX_INT = 0x7fffffff;
/** PACKET_MR_UNICAST. */
const MAX_MEMBERSHIP_TYPE = 3;
/** Blocks of a ring: the header of each is looked at. */
const MAX_BLOCKS = 4096;
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
  if (socket.tx_ring) badImage(`${what}: rings to send by are not restored`);
  if (socket.rx_ring) checkRing(socket.rx_ring, version, what);
  checkInterface(socket, what);
  checkFanout(socket, what);
  checkMemberships(socket.mclist, what);
}

/** What the kernel refuses is refused by it (packet_set_ring, net/packet/af_packet.c). */
function checkRing(ring: PacketRing, version: number, what: string): void {
  const { block_size: size, block_nr: count, mvas_head: head = 0, mvas_blocks: blocks } = ring;
  if (version !== MAX_VERSION || !isRestorable(ring) || head >= count)
    badImage(`${what}: an impossible ring`);
  const seen = new Set([head]);
  for (const { index, content } of blocks) {
    const isSane = index < count && content.length >= BLOCK.size && content.length <= size;
    if (!isSane || seen.has(index)) badImage(`${what}: an impossible block of its ring`);
    seen.add(index);
  }
}

/** Whether a ring is not too large for us, and has nothing that only its program knows. */
export function isRestorable({
  block_size: size,
  block_nr: count,
  sizeof_priv: own,
}: Pick<PacketRing, 'block_size' | 'block_nr' | 'sizeof_priv'>): boolean {
  const isSane = size > 0 && size % Number(PAGE) === 0 && count > 0 && count <= MAX_BLOCKS;
  return isSane && own === 0 && size * count <= Number(MAX_RING);
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
