// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../../../common/errors.js';
import { logger } from '../../../../../common/log.js';
import { POLL, SO, SOCK, SOL } from '../../../../../native/abi/index.js';
import { call, SYS } from '../../../../../native/sys.js';
import type { PacketMclist, PacketSockEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { interfaceName } from '../../sockets/interface.js';
import { listPacketSockets, type PacketDiag } from '../../sockets/packet-diag.js';
import { getOption, getRaw } from '../../sockets/get-option.js';
import { SocketOptions } from '../../sockets/socket-options.js';
import { pollNow } from '../../system.js';
import { isRestorable, MAX_JOINS } from './check.js';
import { PacketRings } from './dump-rings.js';
import {
  FANOUT_PROGRAMS,
  fanoutType,
  LINK_ADDRESS,
  NO_FANOUT,
  PACKET_OPTION as OPTION,
} from './options.js';

const TPACKET_V3 = 2;

const log = logger('files');

/** The packet sockets of a container's network namespace. */
class PacketSockets {
  readonly all: ReadonlyMap<number, PacketDiag> | undefined;

  constructor(context: DumpContext) {
    this.all = listPacketSockets(context.init.pid);
  }
}

/** Describes a packet socket; undefined once it has refused it. */
export function dumpPacketSocket(
  context: DumpContext,
  file: OpenFile,
): PacketSockEntry | undefined {
  const { all } = context.shared(PacketSockets);
  const seen = all?.get(Number(file.stat.ino & 0xffffffffn));
  const address = addressOfSocket(file.own);
  const problem = problemOf(file, address, all && seen);
  if (problem !== undefined || !seen) {
    const unknown = all ? 'of another network namespace' : 'that the kernel does not list';
    const reason = problem ?? `a packet socket ${unknown} cannot be restored; remedy: close it`;
    context.refusals.add(file.where, reason);
    return undefined;
  }
  try {
    return describe(context, file, { seen, ...address });
  } catch (error) {
    // An interface has gone in this moment.
    context.refusals.add(file.where, `${ShimError.from(error).message}; remedy: try again later`);
    return undefined;
  }
}

/** What a packet socket is bound to; the index is negative once the interface has gone. */
interface Bound {
  readonly protocol: number;
  readonly index: number;
}

function addressOfSocket(socket: number): Bound {
  const raw = Buffer.alloc(LINK_ADDRESS.size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(raw.length);
  call('get the address of a packet socket', SYS.getsockname, socket, raw, length);
  return {
    protocol: raw.readUInt16BE(LINK_ADDRESS.protocol),
    index: raw.readInt32LE(LINK_ADDRESS.index),
  };
}

function problemOf(
  { own }: OpenFile,
  { index }: Bound,
  seen: PacketDiag | undefined,
): string | undefined {
  const type = getOption(own, SOL.socket, SO.type) ?? 0;
  if (type !== SOCK.raw && type !== SOCK.dgram) {
    return `packet sockets of type ${String(type)} cannot be restored; remedy: close it`;
  }
  if (index < 0) return 'a packet socket whose interface has gone; remedy: close it';
  if (pollNow(own, POLL.err) & POLL.err)
    return 'an error waits in a packet socket; remedy: try again once it is read';
  return seen && problemSeen(own, seen);
}

function problemSeen(socket: number, seen: PacketDiag): string | undefined {
  const ring = ringProblem(socket, seen);
  if (ring !== undefined) return `${ring} cannot be restored; remedy: close it`;
  if (seen.hasFanout && FANOUT_PROGRAMS.includes(fanoutType(fanoutOf(socket))))
    return 'a group of packet sockets with a program (PACKET_FANOUT_DATA) cannot be restored; remedy: close it';
  const joins = seen.memberships.reduce((sum, { count }) => sum + count, 0);
  return joins > MAX_JOINS ? 'too many memberships; remedy: drop some' : undefined;
}

function ringProblem(socket: number, seen: PacketDiag): string | undefined {
  const { receiveRing: ring, sendRing } = seen;
  if (sendRing) return 'a packet socket with a ring to send by (PACKET_TX_RING)';
  if (!ring) return undefined;
  if (getOption(socket, SOL.packet, OPTION.version) !== TPACKET_V3)
    return 'a packet socket with a ring of TPACKET_V1 or TPACKET_V2';
  return isRestorable(ring)
    ? undefined
    : 'a packet socket with a large ring, or a private area in it,';
}

function describe(
  context: DumpContext,
  file: OpenFile,
  { seen, protocol, index }: Bound & { readonly seen: PacketDiag },
): PacketSockEntry {
  const { own } = file;
  const option = (name: number): number => getOption(own, SOL.packet, name) ?? 0;
  warnOfUnread(context, file);
  const ring = seen.receiveRing && { ...seen.receiveRing, mvas_blocks: [] };
  if (ring) context.shared(PacketRings).add(file, ring);
  return {
    id: file.id,
    type: getOption(own, SOL.socket, SO.type) ?? 0,
    protocol,
    flags: file.flags,
    ifindex: index,
    ...(index !== 0 && { mvas_interface: interfaceName(own, index) }),
    ...(index !== 0 && protocol !== 0 && !seen.isRunning && { mvas_down: true }),
    fown: dumpOwner(context, file),
    opts: context.shared(SocketOptions).dump(file),
    version: option(OPTION.version),
    reserve: option(OPTION.reserve),
    aux_data: option(OPTION.auxData) !== 0,
    orig_dev: option(OPTION.originalDevice) !== 0,
    vnet_hdr: option(OPTION.networkHeader) !== 0,
    loss: option(OPTION.loss) !== 0,
    timestamp: option(OPTION.timestamp) >>> 0,
    copy_thresh: seen.copyThreshold,
    mclist: membershipsOf(own, seen),
    rx_ring: ring,
    fanout: seen.hasFanout ? fanoutOf(own) : NO_FANOUT,
  };
}

/** In the order in which they were made. */
function membershipsOf(socket: number, { memberships }: PacketDiag): PacketMclist[] {
  return memberships.toReversed().map(({ index, type, address, count }) => ({
    index,
    type,
    addr: address,
    mvas_interface: interfaceName(socket, index),
    ...(count !== 1 && { mvas_count: count }),
  }));
}

/** Id, type and flags of its group, as PACKET_FANOUT takes them. */
function fanoutOf(socket: number): number {
  return (getOption(socket, SOL.packet, OPTION.fanout) ?? 0) >>> 0;
}

/** What waits in it is lost, as the kernel drops packets when a queue is full. */
function warnOfUnread({ warnings }: DumpContext, { own, where }: OpenFile): void {
  if ((pollNow(own, POLL.in) & POLL.in) === 0) return;
  // SK_MEMINFO_RMEM_ALLOC (linux/sock_diag.h), which includes the kernel's own overhead.
  const bytes = getRaw(own, SOL.socket, SO.memInfo, 36)?.readUInt32LE(0);
  if (bytes === 0) return; // A ring has some.
  warnings.push({ log, message: 'unread packets are not kept', fields: { where, bytes } });
}
