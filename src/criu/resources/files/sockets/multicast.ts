// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { AF, SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { check, SYS } from '../../../../native/sys.js';
import type { InetSkEntry, MvasMembership } from '../../../image/types.js';
import type { MulticastGroup } from '../../../procfs/igmp.js';
import { readMulticastGroups } from '../../../procfs/reader.js';
import type { DumpContext } from '../dump-context.js';
import { interfaceName, isInterfaceName, planInterfaceIndex } from './interface.js';
import { getOption } from './get-option.js';
import type { Stage } from '../stage.js';

/* Membership of sockets in multicast groups (RFC 3678), with interfaces by their names. */

const IPV6_MULTICAST_IF = 17;
const MCAST_JOIN_GROUP = 42;
const MCAST_MSFILTER = 48;
/** Modes of a filter: all sources but those listed, or only these. */
const MODE = { exclude: 0, include: 1 } as const;
/** `struct group_req`; `struct group_filter` without sources: interface, group, mode, count. */
const GROUP_REQ_SIZE = 136;
const FILTER = { group: 8, mode: 136, count: 140, sources: 144 } as const;
const STORAGE_SIZE = 128;
/** The kernel's limits are 10 for IPv4 and 64 for IPv6 unless someone has raised them. */
const MAX_SOURCES = 256;
/** EADDRNOTAVAIL: not in the group. ENOPROTOOPT, EOPNOTSUPP: of a family that has no such groups. */
const NO_MEMBER: readonly number[] = [-99, -92, -95];

const MAX_MEMBERSHIPS = 4096;

/** Checks the groups of a socket. Throws ShimError `dataLoss`. */
export function checkMulticast(socket: InetSkEntry, what: string): void {
  const { mvas_memberships: memberships, mvas_multicast_if: out } = socket;
  if (out !== undefined && !isInterfaceName(out)) badImage(`${what}: its interface has no name`);
  if (memberships.length > MAX_MEMBERSHIPS) badImage(`${what}: it is in too many groups`);
  for (const { interface: name, group, mode, source } of memberships) {
    const isAddress = group.length === 4 || group.length === 16;
    const isSane =
      source.length <= MAX_SOURCES && source.every((one) => one.length === group.length);
    if (!isInterfaceName(name) || !isAddress || !isSane || mode > 1) {
      badImage(`${what}: it is in an impossible group`);
    }
  }
}

/** Asks sockets for their groups. */
export class MulticastGroups {
  readonly #context: DumpContext;
  #groups: readonly MulticastGroup[] | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** Groups that a datagram socket is in, out of all groups; or why they cannot be restored. */
  of(socket: number): MvasMembership[] | string {
    this.#groups ??= readMulticastGroups(this.#context.init.pid);
    const memberships: MvasMembership[] = [];
    for (const group of this.#groups) {
      const found = membershipIn(socket, group);
      if (typeof found === 'string') return found;
      if (found) memberships.push(found);
    }
    return memberships;
  }
}

function membershipIn(socket: number, group: MulticastGroup): MvasMembership | string | undefined {
  const { interfaceIndex, interfaceName, address } = group;
  const filter = filterFor(address, MAX_SOURCES);
  filter.writeUInt32LE(interfaceIndex, 0);
  filter.writeUInt32LE(MAX_SOURCES, FILTER.count);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(filter.length);
  const args = [socket, levelOf(address), MCAST_MSFILTER, filter, length] as const;
  const result = syscall(SYS.getsockopt, ...args);
  if (NO_MEMBER.includes(result)) return undefined;
  check(`ask for the multicast group ${spell(address)}`, result);
  const count = filter.readUInt32LE(FILTER.count);
  if (count > MAX_SOURCES) {
    return `too many sources of multicast group ${spell(address)}; remedy: leave the group`;
  }
  const source = Array.from({ length: count }, (_, i) => {
    const start = FILTER.sources + i * STORAGE_SIZE + offsetOf(address);
    return Uint8Array.from(filter.subarray(start, start + address.length));
  });
  const mode = filter.readUInt32LE(FILTER.mode);
  return { interface: interfaceName, group: address, mode, source };
}

/** The interface by which an IPv6 socket sends to groups (IPV6_MULTICAST_IF). */
export function multicastInterface(socket: number): string | undefined {
  const index = getOption(socket, SOL.ipv6, IPV6_MULTICAST_IF) ?? 0;
  return index === 0 ? undefined : interfaceName(socket, index);
}

/** Joins the groups of a socket again, and sets the interface for sending. */
export function planMulticast(stage: Stage, entry: InetSkEntry, number: number): void {
  const { mvas_memberships: memberships, mvas_multicast_if: out } = entry;
  if (out !== undefined) {
    const what = `file ${String(entry.id)}: send to groups by ${out}`;
    const index = planInterfaceIndex(stage, what, number, out);
    stage.run(what, SYS.setsockopt, [number, SOL.ipv6, IPV6_MULTICAST_IF, index, 4]);
  }
  for (const membership of memberships) planMembership(stage, entry.id, number, membership);
}

function planMembership(stage: Stage, id: number, number: number, entry: MvasMembership): void {
  const { interface: name, group, mode, source } = entry;
  const what = `file ${String(id)}: join ${spell(group)} on ${name}`;
  const index = planInterfaceIndex(stage, what, number, name);
  const set = (option: number, value: Buffer): void => {
    const data = stage.builder.data(value);
    stage.sequence.copy(what, data, index, 4);
    stage.run(what, SYS.setsockopt, [number, levelOf(group), option, data, value.length]);
  };
  const filter = filterFor(group, source.length);
  set(MCAST_JOIN_GROUP, filter.subarray(0, GROUP_REQ_SIZE));
  if (mode === MODE.exclude && source.length === 0) return;
  filter.writeUInt32LE(mode, FILTER.mode);
  filter.writeUInt32LE(source.length, FILTER.count);
  source.forEach((address, i) => {
    writeAddress(filter, FILTER.sources + i * STORAGE_SIZE, address);
  });
  set(MCAST_MSFILTER, filter);
}

/** `struct group_filter` of a group. It begins with `struct group_req`. */
function filterFor(group: Uint8Array, sources: number): Buffer {
  const filter = Buffer.alloc(FILTER.sources + sources * STORAGE_SIZE);
  writeAddress(filter, FILTER.group, group);
  return filter;
}

function writeAddress(into: Buffer, at: number, address: Uint8Array): void {
  into.writeUInt16LE(isSix(address) ? AF.inet6 : AF.inet, at);
  into.set(address, at + offsetOf(address));
}

/** Where the address is in `struct sockaddr_in` or `sockaddr_in6`. */
function offsetOf(address: Uint8Array): number {
  return isSix(address) ? 8 : 4;
}

function levelOf(address: Uint8Array): number {
  return isSix(address) ? SOL.ipv6 : SOL.ip;
}

function isSix(address: Uint8Array): boolean {
  return address.length === 16;
}

function spell(address: Uint8Array): string {
  if (!isSix(address)) return [...address].join('.');
  return (Buffer.from(address).toString('hex').match(/.{4}/g) ?? []).join(':');
}
