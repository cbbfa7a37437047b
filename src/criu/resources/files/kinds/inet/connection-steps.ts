// SPDX-License-Identifier: Apache-2.0
import { AF, F, MSG, O, SO, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import { RowAddress, RowWord } from '../../../../plan/row.js';
import { isMapped } from '../../sockets/inet-address.js';
import { planFilter } from '../../sockets/socket-filter.js';
import {
  planBuffers,
  planSocketOptions,
  setFromRow,
  setOption,
  setRaw,
} from '../../sockets/plan-options.js';
import {
  beginRepair,
  connectRepaired,
  endRepairByRow,
  planAgreement,
  type PlannedAddress,
} from '../../sockets/tcp-repair.js';
import { planKeys } from '../../sockets/tcp-keys.js';
import { REPAIR, REPAIR_OFF } from '../../sockets/tcp-repair-options.js';
import type { Stage } from '../../stage.js';
import { addressSizeOf, END_SIZE, FIELD, writes, type Ends } from './connection-rows.js';
import { hasSentEnd, IPV6_V6ONLY, receivesNoMore, TCP_NODELAY } from './protocols.js';

const SHUT = { read: 0, write: 1 } as const;
/** MSG_TRUNC: the bytes themselves are not wanted. MSG_WAITALL: all of them are. */
const COUNT_ALL = MSG.peek | 0x20 | 0x100;
/** How long bytes may take from one end to the other, which nothing but a filter is between. */
const PATIENCE_S = 10;

type Name = keyof typeof FIELD;

/** One end of a connection, as all rows of its shape have it. */
export interface PlannedEnd {
  readonly entry: InetSkEntry;
  readonly stream: TcpStreamEntry;
  readonly number: RowWord;
  /** Whether anything is to be written to it. */
  readonly writes: boolean;
  readonly word: (name: Name) => RowWord;
  readonly address: (name: Name) => RowAddress;
}

/** The ends of the connections of a shape, one of which is given. */
export function plannedEnds(ends: Ends): PlannedEnd[] {
  return ends.map((end, index) => {
    const at = index * END_SIZE;
    return {
      entry: end.entry,
      stream: end.stream,
      number: new RowWord(at + FIELD.number),
      writes: writes(end, ends[1 - index]),
      word: (name) => new RowWord(at + FIELD[name]),
      address: (name) => new RowAddress(at + FIELD[name]),
    };
  });
}

/** Makes both ends, sends from each to the other what that had not read and what was on its way, and ends what had ended. */
export function planPair(stage: Stage, one: PlannedEnd, other: PlannedEnd): void {
  connect(stage, one, other);
  send(stage, one, other);
  send(stage, other, one);
  shutDown(stage, one, other);
  shutDown(stage, other, one);
  for (const end of [one, other]) settle(stage, end);
}

/** Connects to a listening socket. */
export function planWaiting(stage: Stage, end: PlannedEnd): void {
  const { entry, number } = end;
  bind(stage, end);
  setOption(stage, number, REPAIR, REPAIR_OFF);
  setOption(stage, number, [SOL.socket, SO.rcvbufForce], entry.opts.so_rcvbuf >>> 1);
  limitWait(stage, end, SO.sndTimeout, PATIENCE_S);
  const { at, size } = addressOf(end, 'destination');
  stage.run('connect', SYS.connect, [number, at, size]);
  setOption(stage, number, TCP_NODELAY, 1);
  write(stage, end);
  limitWait(stage, end, SO.sndTimeout, 0);
  shutDown(stage, end);
  settle(stage, end);
}

function connect(stage: Stage, one: PlannedEnd, other: PlannedEnd): void {
  const ends = [one, other];
  for (const end of ends) bind(stage, end);
  for (const end of ends)
    connectRepaired(stage, 'connection', end.number, addressOf(end, 'destination'));
  for (const end of ends) {
    planAgreement(stage, end.number, end.stream);
    endRepairByRow(stage, end.number, end.address('windows'));
    setOption(stage, end.number, TCP_NODELAY, 1);
  }
}

/** A new socket in repair mode, in which its port may be any that others have. */
function bind(stage: Stage, end: PlannedEnd): void {
  const { family, type, proto, src_addr, v6only } = end.entry;
  stage.make('make a socket', end.number, SYS.socket, [family, type | O.cloexec, proto]);
  if (family === AF.inet6) {
    const isOnly = v6only === true && !isMapped(src_addr);
    setOption(stage, end.number, [SOL.ipv6, IPV6_V6ONLY], isOnly ? 1 : 0);
  }
  planKeys(stage, end.number, end.entry);
  beginRepair(stage, end.number, { sends: end.address('sends'), expects: end.address('expects') });
  const { at, size } = addressOf(end, 'source');
  stage.run('bind', SYS.bind, [end.number, at, size]);
}

function addressOf({ entry, address }: PlannedEnd, name: 'source' | 'destination'): PlannedAddress {
  return { at: address(name), size: addressSizeOf(entry) };
}

/** What one end had sent: what the other had not read has to arrive, the rest may wait in its queue. */
function send(stage: Stage, from: PlannedEnd, to: PlannedEnd): void {
  if (!from.writes) return;
  setFromRow(stage, to.number, [SOL.socket, SO.rcvbufForce], to.address('receiveRoom'));
  write(stage, from);
  if (to.stream.inq_len === 0) return;
  limitWait(stage, to, SO.rcvTimeout, PATIENCE_S);
  const unread = to.word('unread');
  stage.run('receive', SYS.recvfrom, [to.number, null, unread, COUNT_ALL, null, null], unread);
  limitWait(stage, to, SO.rcvTimeout, 0);
}

function write(stage: Stage, { number, writes, word, address }: PlannedEnd): void {
  if (!writes) return;
  setFromRow(stage, number, [SOL.socket, SO.sndbufForce], address('sendRoom'));
  stage.sequence.write('send', number, word('bytes'), word('length'));
}

function limitWait(stage: Stage, { number }: PlannedEnd, option: number, seconds: number): void {
  setRaw(stage, number, [SOL.socket, option], [seconds, 0, 0, 0]); // struct timeval
}

function shutDown(stage: Stage, end: PlannedEnd, other?: PlannedEnd): void {
  const { entry, number } = end;
  if (hasSentEnd(entry.state)) {
    stage.run('shut down', SYS.shutdown, [number, SHUT.write]);
    if (other && receivesNoMore(other.entry.state)) awaitEnd(stage, other);
  }
  if (entry.shutdown === 'READ') stage.run('shut down', SYS.shutdown, [number, SHUT.read]);
}

function awaitEnd(stage: Stage, { address }: PlannedEnd): void {
  stage.run('wait for its end', SYS.poll, [address('polled'), 1, PATIENCE_S * 1000], 1);
}

function settle(stage: Stage, { entry, number }: PlannedEnd): void {
  setOption(stage, number, TCP_NODELAY, 0);
  planSocketOptions(stage, number, entry.opts);
  planFilter(stage, number, entry.opts);
  planBuffers(stage, number, entry.opts);
  if (entry.flags & O.nonblock) stage.run('set flags', SYS.fcntl, [number, F.setfl, O.nonblock]);
}
