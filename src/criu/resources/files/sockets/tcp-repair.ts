// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';
import { SYS } from '../../../../native/sys.js';
import type { PlanData } from '../../../plan/builder.js';
import type { Stage } from '../stage.js';
import { setOption, setRaw } from './socket-options.js';

/** TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_WINDOW (linux/tcp.h). */
const REPAIR = [SOL.tcp, 19] as const;
const REPAIR_QUEUE = [SOL.tcp, 20] as const;
const QUEUE_SEQ = [SOL.tcp, 21] as const;
const REPAIR_WINDOW = [SOL.tcp, 29] as const;
/** TCP_RECV_QUEUE, TCP_SEND_QUEUE. */
const QUEUE = { receive: 1, send: 2 } as const;
/** TCP_REPAIR_OFF_NO_WP: nothing is sent. */
const OFF = -1;

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

/** Ends repair mode, in which SO_REUSEADDR was lost. Each end takes `window` bytes, and `expects` is the next one. */
export function endRepair(stage: Stage, number: number, expects: number, window: number): void {
  // struct tcp_repair_window: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup.
  const words = Uint32Array.of(expects, window, window, window, expects);
  setRaw(stage, number, REPAIR_WINDOW, Buffer.from(words.buffer));
  setOption(stage, number, REPAIR, OFF);
}
