// SPDX-License-Identifier: Apache-2.0
import type { RowAddress, RowWord, Descriptor } from './row.js';
import type { PlanSocketOptions } from './socket-options.js';

/** A place for a result that later operations take as an argument. Shared by all processes of a plan. */
export class Slot {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Bytes inside the plan; as an argument, their address. */
export class PlanData {
  /** The bytes; they may be filled in until the plan is finished. */
  readonly bytes: Uint8Array;
  readonly align: number;
  /** The size of their room; what the bytes do not fill is zero. */
  readonly size: number;
  /** Offset in the plan; known once it is finished. */
  offset = -1;
  constructor(bytes: Uint8Array, align: number, size = bytes.length) {
    this.bytes = bytes;
    this.align = align;
    this.size = size;
  }
}

/** An address `delta` bytes into some {@link PlanData}. */
export class PlanPointer {
  readonly data: PlanData;
  readonly delta: number;
  /** As an argument: the address `delta` bytes into the data. */
  constructor(data: PlanData, delta: number) {
    this.data = data;
    this.delta = delta;
  }
}

/** Words for an error message; a function where there are many of them, since few are ever read. */
export type Words = string | (() => string);

/** An argument of an operation. */
export type Argument =
  number | bigint | null | Slot | PlanData | PlanPointer | PlanSocketOptions | RowWord | RowAddress;

/** How an operation's result is judged and kept. */
export interface OpOptions {
  /** Failure is ignored. */
  readonly tolerate?: boolean;
  /** Any other result is a failure. */
  readonly expect?: number | bigint | RowWord;
  /** Keeps the result. */
  readonly store?: Slot | undefined;
  /** The result is a descriptor, which is moved to this number (close-on-exec). */
  readonly move?: Descriptor | undefined;
  /** How a failure is described. */
  readonly explain?: Explain | undefined;
}

/** Words for a failure that the errno does not explain well enough; undefined if it does. */
export type Explain = (result: bigint) => string | undefined;
