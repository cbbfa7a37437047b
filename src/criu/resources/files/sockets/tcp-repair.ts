// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';
import { SYS } from '../../../../native/sys.js';
import type { PlanData } from '../../../plan/builder.js';
import type { TcpStreamEntry } from '../../../image/types.js';
import type { Stage } from '../stage.js';
import { setOption, setRaw } from './plan-options.js';
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

/** Sequence numbers of one end of a connection. */
export interface Sequences {
  /** Of the next byte that it sends, and of the next that it expects. */
  readonly sends: number;
  readonly expects: number;
}

/** An address in the plan. */
export interface PlannedAddress {
  readonly at: PlanData;
  readonly size: number;
}

/*
 * TCP_REPAIR makes both ends of a connection without a packet: neither a filter nor anybody else in the network
 * namespace comes in between. Order: beginRepair of a new socket, a bind if it is to have a port, connectRepaired, endRepair.
 */

/** Takes a new TCP socket into repair mode. */
export function beginRepair(stage: Stage, number: number, { sends, expects }: Sequences): void {
  setOption(stage, number, REPAIR, 1);
  setOption(stage, number, REPAIR_QUEUE, QUEUE.send);
  setOption(stage, number, QUEUE_SEQ, sends);
  setOption(stage, number, REPAIR_QUEUE, QUEUE.receive);
  setOption(stage, number, QUEUE_SEQ, expects);
}

/** Connects it. What is written to it from now on has been received. */
export function connectRepaired(
  stage: Stage,
  what: string,
  number: number,
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
  // struct tcp_repair_window: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup.
  const { sends, expects: takes } = windows;
  setRaw(stage, number, REPAIR_WINDOW, [expects, sends, sends, takes, expects]);
  setOption(stage, number, REPAIR, REPAIR_OFF);
}

/** Gives a connected socket in repair mode what both ends had agreed on. */
export function planAgreement(stage: Stage, number: number, stream: TcpStreamEntry): void {
  const { opt_mask: mask, mss_clamp: segment, snd_wscale, rcv_wscale = 0 } = stream;
  // struct tcp_repair_opt: kind, value.
  const options: number[] = [OPTION.segment, segment];
  if (mask & HAS.scale) options.push(OPTION.scale, (rcv_wscale << 16) | snd_wscale);
  if (mask & HAS.sack) options.push(OPTION.sack, 0);
  if (mask & HAS.timestamps) options.push(OPTION.timestamps, 0);
  setRaw(stage, number, REPAIR_OPTIONS, options);
  setRaw(stage, number, IP_OPTIONS, []);
}
