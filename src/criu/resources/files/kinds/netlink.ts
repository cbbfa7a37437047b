// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { AF, O, POLL, SO, SOCK, SOL } from '../../../../native/abi/index.js';
import { call, SYS } from '../../../../native/sys.js';
import type { NetlinkSkEntry } from '../../../image/types.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import { planFinalSocketOptions, planSocketOptions, setOption } from '../sockets/plan-options.js';
import { getOption, getRaw } from '../sockets/get-option.js';
import { SocketOptions } from '../sockets/socket-options.js';
import { planFilter } from '../sockets/socket-filter.js';
import type { FileKind } from '../kind.js';
import type { PlanContext } from '../plan-context.js';
import { checkSocketOptions } from '../sockets/checks.js';
import { familyOf } from '../sockets/family.js';
import { pollNow } from '../system.js';

const UNCONNECTED = 0;
const ADDRESS_SIZE = 12;
const OPTION = { addMembership: 1, listenAllNsid: 8, listMemberships: 9 } as const;
/** Room for 32768 groups; no family has more. */
const MEMBERSHIPS_SIZE = 4096;
const WORD_BITS = 32;
/** Words of 32 groups: a family has a few groups, or some hundred (generic netlink). */
const MAX_GROUP_WORDS = 1024;

/** A netlink socket with an empty queue: protocol, port id, multicast groups. */
export const NETLINK: FileKind<'nlsk'> = {
  type: 'NETLINKSK',
  body: 'nlsk',
  claims: (file) => familyOf(file) === AF.netlink,
  dump,
  check({ groups, opts }, _files, what) {
    checkSocketOptions(opts, what);
    if (groups.length > MAX_GROUP_WORDS) badImage(`${what}: it is in too many netlink groups`);
  },
  open,
};

function dump(context: DumpContext, file: OpenFile): NetlinkSkEntry | undefined {
  if (pollNow(file.own, POLL.in) & POLL.in) {
    const reason = 'unread netlink messages cannot be restored; remedy: try again later';
    context.refusals.add(file.where, reason);
    return undefined;
  }
  if (getOption(file.own, SOL.netlink, OPTION.listenAllNsid) === 1) {
    const reason = 'a socket with NETLINK_LISTEN_ALL_NSID cannot be restored; remedy: close it';
    context.refusals.add(file.where, reason);
    return undefined;
  }
  const own = name(file.own, SYS.getsockname);
  const peer = name(file.own, SYS.getpeername);
  return {
    id: file.id,
    ino: Number(file.stat.ino & 0xffffffffn),
    protocol: getOption(file.own, SOL.socket, SO.protocol) ?? 0,
    state: UNCONNECTED,
    flags: file.flags,
    portid: own.port,
    groups: groupsOf(file.own),
    dst_portid: peer.port,
    dst_group: peer.groups,
    fown: dumpOwner(context, file),
    opts: context.shared(SocketOptions).dump(file),
  };
}

/** Groups as bits of 32-bit words, without zeros at the end; the address has only the first word. */
function groupsOf(socket: number): number[] {
  const raw = getRaw(socket, SOL.netlink, OPTION.listMemberships, MEMBERSHIPS_SIZE);
  const words = Array.from({ length: (raw?.length ?? 0) >>> 2 }, (_, i) =>
    raw?.readUInt32LE(i * 4),
  );
  return words.slice(0, words.findLastIndex((word) => word !== 0) + 1).map((word) => word ?? 0);
}

function name(socket: number, nr: number): { port: number; groups: number } {
  const raw = Buffer.alloc(ADDRESS_SIZE);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ADDRESS_SIZE);
  call('get the address of a netlink socket', nr, socket, raw, length);
  return { port: raw.readUInt32LE(4), groups: raw.readUInt32LE(8) };
}

/** Numbers of the groups that have no bit in an address; they begin at 1. */
function groupsAbove(words: readonly number[]): number[] {
  return words
    .slice(1)
    .flatMap((word, index) =>
      Array.from({ length: WORD_BITS }, (_, bit) => (index + 1) * WORD_BITS + bit + 1).filter(
        (_, bit) => (word >>> bit) & 1,
      ),
    );
}

/** Creates a netlink socket, bound as it was. */
function open({ stage }: PlanContext, entry: NetlinkSkEntry, number: number): void {
  const what = `file ${String(entry.id)}: netlink socket`;
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(what, number, SYS.socket, [AF.netlink, SOCK.raw | flags, entry.protocol]);
  planSocketOptions(stage, number, entry.opts);
  planFilter(stage, number, entry.opts);
  const connect = (verb: string, nr: number, port: number, groups: number): void => {
    const raw = Buffer.alloc(ADDRESS_SIZE);
    raw.writeUInt16LE(AF.netlink, 0);
    raw.writeUInt32LE(port, 4);
    raw.writeUInt32LE(groups, 8);
    stage.run(`${what}: ${verb}`, nr, [number, stage.builder.data(raw), raw.length]);
  };
  const [groups = 0] = entry.groups;
  if (entry.portid !== 0 || groups !== 0) connect('bind', SYS.bind, entry.portid, groups);
  for (const group of groupsAbove(entry.groups)) {
    setOption(stage, number, [SOL.netlink, OPTION.addMembership], group);
  }
  if (entry.dst_portid !== 0 || entry.dst_group !== 0) {
    connect('connect', SYS.connect, entry.dst_portid, entry.dst_group);
  }
  planFinalSocketOptions(stage, number, entry.opts);
}
