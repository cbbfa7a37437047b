// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';
import { SYS } from '../../../../native/sys.js';
import type { PlanData } from '../../../plan/values.js';
import { RowAddress, type Descriptor } from '../../../plan/row.js';
import type { TcpStreamEntry } from '../../../image/types.js';
import type { Stage } from '../stage.js';
import { setFromRow, setOption, setRaw } from './plan-options.js';
import {
  QUEUE,
  QUEUE_SEQ,
  REPAIR,
  REPAIR_OFF,
  REPAIR_OPTIONS,
  REPAIR_QUEUE,
  REPAIR_WINDOW,
} from './tcp-repair-options.js';

/** Bits of `opt_mask`, and kinds of options (linux/tcp.h, net/tcp.h). */
const HAS = { timestamps: 1, sack: 2, scale: 4 } as const;
const OPTION = { segment: 2, scale: 3, sack: 4, timestamps: 8 } as const;
/** IP_OPTIONS: setting it, be it to nothing, has the kernel compute the size of segments anew. */
const IP_OPTIONS = [SOL.ip, 4] as const;
/** Bytes of {@link windowWords}. */
const WINDOW_SIZE = 20;

/** Sequence numbers of one end of a connection. */
export interface Sequences {
  /** Of the next byte that it sends, and of the next that it expects. */
  readonly sends: number | RowAddress;
  readonly expects: number | RowAddress;
}

/** An address in the plan. */
export interface PlannedAddress {
  readonly at: PlanData | RowAddress;
  readonly size: number;
}

/*
 * TCP_REPAIR makes both ends of a connection without a packet: neither a filter nor anybody else in the network
 * namespace comes in between. Order: beginRepair of a new socket, a bind if it is to have a port, connectRepaired, endRepair.
 */

/** Takes a new TCP socket into repair mode. */
export function beginRepair(stage: Stage, number: Descriptor, sequences: Sequences): void {
  const { sends, expects } = sequences;
  setOption(stage, number, REPAIR, 1);
  setOption(stage, number, REPAIR_QUEUE, QUEUE.send);
  setNumber(stage, number, sends);
  setOption(stage, number, REPAIR_QUEUE, QUEUE.receive);
  setNumber(stage, number, expects);
}

function setNumber(stage: Stage, number: Descriptor, value: number | RowAddress): void {
  if (value instanceof RowAddress) setFromRow(stage, number, QUEUE_SEQ, value);
  else setOption(stage, number, QUEUE_SEQ, value);
}

/** Connects it. What is written to it from now on has been received. */
export function connectRepaired(
  stage: Stage,
  what: string,
  number: Descriptor,
  { at, size }: PlannedAddress,
): void {
  stage.run(`${what}: connect`, SYS.connect, [number, at, size]);
}

/** How many bytes an end may send at once, and how many it takes. */
export interface Windows {
  readonly sends: number;
  readonly expects: number;
}

/** Ends repair mode, in which SO_REUSEADDR was lost. `expects` is the number of the next byte to come. */
export function endRepair(stage: Stage, number: number, expects: number, windows: Windows): void {
  setRaw(stage, number, REPAIR_WINDOW, windowWords(expects, windows));
  setOption(stage, number, REPAIR, REPAIR_OFF);
}

/** The same, where a row has {@link windowWords}. */
export function endRepairByRow(stage: Stage, number: Descriptor, words: RowAddress): void {
  const args = [number, ...REPAIR_WINDOW, words, WINDOW_SIZE];
  stage.run('set the windows', SYS.setsockopt, args);
  setOption(stage, number, REPAIR, REPAIR_OFF);
}

/** `struct tcp_repair_window`: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup. */
export function windowWords(expects: number, { sends, expects: takes }: Windows): number[] {
  return [expects, sends, sends, takes, expects];
}

/** Gives a connected socket in repair mode what both ends had agreed on. */
export function planAgreement(stage: Stage, number: Descriptor, stream: TcpStreamEntry): void {
  const { opt_mask: mask, mss_clamp: segment, snd_wscale, rcv_wscale = 0 } = stream;
  // struct tcp_repair_opt: kind, value.
  const options: number[] = [OPTION.segment, segment];
  if (mask & HAS.scale) options.push(OPTION.scale, (rcv_wscale << 16) | snd_wscale);
  if (mask & HAS.sack) options.push(OPTION.sack, 0);
  if (mask & HAS.timestamps) options.push(OPTION.timestamps, 0);
  setRaw(stage, number, REPAIR_OPTIONS, options);
  setRaw(stage, number, IP_OPTIONS, []);
}
