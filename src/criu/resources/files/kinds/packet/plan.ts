// SPDX-License-Identifier: Apache-2.0
import { AF, O, SO, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { PacketMclist, PacketSockEntry } from '../../../../image/types.js';
import { PlanPointer } from '../../../../plan/values.js';
import type { PlanContext } from '../../plan-context.js';
import { planInterfaceIndex } from '../../sockets/interface.js';
import {
  planFinalSocketOptions,
  planSocketOptions,
  setOption,
} from '../../sockets/plan-options.js';
import { planFilter } from '../../sockets/socket-filter.js';
import type { Stage } from '../../stage.js';
import { planRing } from './plan-ring.js';
import { LINK_ADDRESS, NO_FANOUT, PACKET_OPTION as OPTION, REQUEST } from './options.js';

/** Creates a packet socket. Nothing arrives before it is bound, so that its filter has been there from the start. */
export function openPacketSocket(plan: PlanContext, entry: PacketSockEntry, number: number): void {
  const { stage } = plan;
  const what = `file ${String(entry.id)}: packet socket`;
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(what, number, SYS.socket, [AF.packet, entry.type | flags, 0]);
  planOwnOptions(stage, entry, number);
  planSocketOptions(stage, number, entry.opts);
  planFilter(stage, number, entry.opts);
  if (entry.rx_ring) planRing(plan, what, number, entry.rx_ring);
  for (const membership of entry.mclist) planMembership(stage, what, number, membership);
  planBind(stage, what, number, entry);
  const { fanout = NO_FANOUT } = entry;
  if (fanout !== NO_FANOUT) setOption(stage, number, [SOL.packet, OPTION.fanout], fanout | 0);
  planFinalSocketOptions(stage, number, entry.opts);
}

/** Before the others: VNET_HDR sets a size, which may have been set to another one. */
function planOwnOptions(stage: Stage, entry: PacketSockEntry, number: number): void {
  const set = (name: number, value: number): void => {
    if (value !== 0) setOption(stage, number, [SOL.packet, name], value | 0);
  };
  set(OPTION.version, entry.version);
  set(OPTION.reserve, entry.reserve);
  set(OPTION.auxData, Number(entry.aux_data));
  set(OPTION.originalDevice, Number(entry.orig_dev));
  set(OPTION.networkHeader, Number(entry.vnet_hdr));
  set(OPTION.loss, Number(entry.loss));
  set(OPTION.timestamp, entry.timestamp);
  set(OPTION.copyThreshold, entry.copy_thresh);
}

function planMembership(stage: Stage, what: string, number: number, entry: PacketMclist): void {
  const { type, addr, mvas_interface: name = '', mvas_count: count = 1 } = entry;
  const joining = `${what}: join on ${name}`;
  const request = Buffer.alloc(REQUEST.size);
  request.writeUInt16LE(type, REQUEST.type);
  request.writeUInt16LE(addr.length, REQUEST.length);
  request.set(addr, REQUEST.address);
  const data = stage.builder.data(request);
  const index = planInterfaceIndex(stage, joining, number, name);
  stage.sequence.copy(joining, new PlanPointer(data, REQUEST.index), index, 4);
  const args = [number, SOL.packet, OPTION.addMembership, data, REQUEST.size];
  for (let times = 0; times < count; times++) stage.run(joining, SYS.setsockopt, args);
}

/** Binds it to its protocol, and to an interface or all. */
function planBind(
  stage: Stage,
  what: string,
  number: number,
  { protocol, mvas_interface: name, mvas_down: isDown }: PacketSockEntry,
): void {
  if (protocol === 0 && name === undefined) return;
  const binding = `${what}: bind to ${name ?? 'all interfaces'}`;
  const address = Buffer.alloc(LINK_ADDRESS.size);
  address.writeUInt16LE(AF.packet, 0);
  address.writeUInt16BE(protocol, LINK_ADDRESS.protocol);
  const data = stage.builder.data(address);
  if (name !== undefined) {
    const index = planInterfaceIndex(stage, binding, number, name);
    stage.sequence.copy(binding, new PlanPointer(data, LINK_ADDRESS.index), index, 4);
  }
  stage.run(binding, SYS.bind, [number, data, address.length]);
  if (isDown) planRead(stage, binding, number);
}

/** An interface that is down makes the socket report ENETDOWN: whoever reads that takes it. */
function planRead(stage: Stage, what: string, number: number): void {
  const [value, size] = [stage.builder.reserve(4), stage.builder.data(Buffer.of(4, 0, 0, 0))];
  stage.run(what, SYS.getsockopt, [number, SOL.socket, SO.error, value, size]);
}
