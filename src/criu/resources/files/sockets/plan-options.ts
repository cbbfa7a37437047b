// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../../common/errors.js';
import { SO, SOL } from '../../../../native/abi/index.js';
import type { SkOptsEntry } from '../../../image/types.js';
import type { Descriptor, RowAddress } from '../../../plan/row.js';
import { SYS } from '../../../../native/sys.js';
import { SocketOptionTable, type OptionName } from '../../../plan/socket-options.js';
import { planInodeOwner } from '../deleted/inode-attributes.js';
import type { Stage } from '../stage.js';
import {
  BUFFERS_LOCKED,
  CONGESTION_SIZE,
  ICMP6_FILTER,
  ICMP6_FILTER_SIZE,
  NUMBERS,
  OTHERS,
  SWITCHES,
  TCP,
  words,
} from './option-names.js';

const INT_SIZE = 4;

/** What is set when a socket is new, and what in the end. */
interface OptionTables {
  readonly first: SocketOptionTable;
  readonly last: SocketOptionTable;
}

/** Those of sockets, many of which have the same options. */
const TABLES = new WeakMap<SkOptsEntry, OptionTables>();

function tablesOf(opts: SkOptsEntry): OptionTables {
  const known = TABLES.get(opts);
  if (known) return known;
  const tables = { first: firstOptions(opts), last: lastOptions(opts) };
  TABLES.set(opts, tables);
  return tables;
}

/**
 * Sets the owner and the options of a new socket. Call it before bind(2), so that addresses in use can be bound:
 * with SO_REUSEPORT only sockets of one user share one.
 */
export function planSocketOptions(stage: Stage, number: Descriptor, opts: SkOptsEntry): void {
  planInodeOwner(stage, 'socket', number, opts);
  stage.sequence.optionsOf(number).append(tablesOf(opts).first);
}

function firstOptions(opts: SkOptsEntry): SocketOptionTable {
  const table = new SocketOptionTable();
  const set = (name: number, value: number): void => {
    table.add([SOL.socket, name], [value]);
  };
  set(SO.reuseAddr, 1);
  for (const [field, name] of words(SWITCHES)) if (opts[field]) set(name, 1);
  for (const { level, name, value } of opts.mvas_options) {
    if (isKnown(level, name, value.length)) table.add([level, name], value);
  }
  addNumbers(opts, set);
  const { so_bound_dev: device } = opts;
  if (device !== undefined) {
    table.add([SOL.socket, SO.bindToDevice], Buffer.from(`${device.slice(0, 15)}\0`, 'latin1'));
  }
  return table;
}

/** After the type of service (IP_TOS), which sets a priority, too. */
function addNumbers(opts: SkOptsEntry, set: (name: number, value: number) => void): void {
  set(NUMBERS.so_priority, opts.so_priority ?? 0);
  for (const field of ['so_oobinline', 'so_mark'] as const) {
    const value = opts[field] ?? 0;
    if (value !== 0) set(NUMBERS[field], value);
  }
  const lowWater = opts.so_rcvlowat ?? 0;
  if (lowWater > 1) set(NUMBERS.so_rcvlowat, lowWater);
}

/** Sets what must come after bind(2) and after the queues are filled. */
export function planFinalSocketOptions(stage: Stage, number: Descriptor, opts: SkOptsEntry): void {
  stage.sequence.optionsOf(number).append(tablesOf(opts).last);
  const lock = opts.so_buf_lock ?? BUFFERS_LOCKED;
  if (lock & 1) setOption(stage, number, [SOL.socket, SO.sndbufForce], opts.so_sndbuf >>> 1);
  if (lock & 2) setOption(stage, number, [SOL.socket, SO.rcvbufForce], opts.so_rcvbuf >>> 1);
}

function lastOptions(opts: SkOptsEntry): SocketOptionTable {
  const table = new SocketOptionTable();
  const add = (name: number, value: readonly number[]): void => {
    table.add([SOL.socket, name], value);
  };
  if (!opts.reuseaddr) add(SO.reuseAddr, [0]);
  if (opts.so_linger !== undefined) add(SO.linger, [1, opts.so_linger]);
  addTimeout(add, SO.sndTimeout, [opts.so_snd_tmo_sec, opts.so_snd_tmo_usec]);
  addTimeout(add, SO.rcvTimeout, [opts.so_rcv_tmo_sec, opts.so_rcv_tmo_usec]);
  return table;
}

function addTimeout(
  add: (name: number, value: readonly number[]) => void,
  name: number,
  time: readonly [seconds: bigint, microseconds: bigint],
): void {
  if (time.every((part) => part === 0n)) return;
  const halves = time.flatMap((part) => [part, part >> 32n]);
  add(
    name,
    halves.map((half) => Number(BigInt.asUintN(32, half))),
  );
}

/** Gives both buffers of a socket the sizes that they had, whether those had been set by hand or grown. */
export function planBuffers(stage: Stage, number: Descriptor, opts: SkOptsEntry): void {
  setOption(stage, number, [SOL.socket, SO.rcvbufForce], opts.so_rcvbuf >>> 1);
  planUnlockBuffer(stage, number, opts);
}

/** Room for everything that a queue may hold, until {@link planFinalSocketOptions}. */
export function planRoomyBuffer(stage: Stage, number: Descriptor, bytes: number): void {
  setOption(stage, number, [SOL.socket, SO.sndbufForce], bytes);
}

/** The options that do the same as others, within limits. */
const MILD = new Map<number, number>([
  [SO.sndbufForce, SO.sndbuf],
  [SO.rcvbufForce, SO.rcvbuf],
]);

/** Clears the mark that {@link planRoomyBuffer} set a size by hand (SO_BUF_LOCK, Linux 5.14). */
export function planUnlockBuffer(stage: Stage, number: Descriptor, opts: SkOptsEntry): void {
  const bytes = opts.so_sndbuf >>> 1;
  setOption(stage, number, [SOL.socket, SO.sndbufForce], bytes);
  const lock = (opts.so_buf_lock ?? BUFFERS_LOCKED) & 3;
  stage.sequence.optionsOf(number).add([SOL.socket, SO.bufLock], [lock], true);
}

function isKnown(level: number, name: number, size: number): boolean {
  if (level === SOL.tcp && name === TCP.congestion) return size > 0 && size < CONGESTION_SIZE;
  if (level === SOL.icmp6 && name === ICMP6_FILTER) return size === ICMP6_FILTER_SIZE;
  if (size !== 4) return false;
  return OTHERS.some(([known, names]) => known === level && names.includes(name));
}

/** setsockopt(2) of an int. Only the host's root can set buffers by force. */
export function setOption(
  stage: Stage,
  number: Descriptor,
  [level, name]: OptionName,
  value: number,
): void {
  const mild = level === SOL.socket && stage.mostBuffer !== undefined ? MILD.get(name) : undefined;
  stage.sequence.optionsOf(number).add([level, mild ?? name], [value]);
}

/**
 * Refuses bytes that a queue could not hold while they are put into it, since the process that does so is in a user
 * namespace, and sizes of buffers are limited there. Half of a buffer is for what the kernel adds to the bytes.
 */
export function checkRoom({ mostBuffer }: Stage, what: string, bytes: number): void {
  if (mostBuffer === undefined || bytes <= mostBuffer) return;
  const why = `more than ${String(mostBuffer)} bytes (net.core.wmem_max) wait in its queue, too many for a user namespace`;
  throw new ShimError(
    'failedPrecondition',
    `${what}: ${why}; remedy: try again once they are read`,
  );
}

/** setsockopt(2) of any value; ints are given as they are. */
export function setRaw(
  stage: Stage,
  number: Descriptor,
  option: OptionName,
  value: Uint8Array | readonly number[],
): void {
  stage.sequence.optionsOf(number).add(option, value);
}

/** setsockopt(2) of an int of the row. */
export function setFromRow(
  stage: Stage,
  number: Descriptor,
  [level, name]: OptionName,
  at: RowAddress,
): void {
  const mild = level === SOL.socket && stage.mostBuffer !== undefined ? MILD.get(name) : undefined;
  stage.run('set a socket option', SYS.setsockopt, [number, level, mild ?? name, at, INT_SIZE]);
}
