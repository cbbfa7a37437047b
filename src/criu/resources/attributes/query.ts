// SPDX-License-Identifier: Apache-2.0

/** A remote call that may write its result to some room. */
export interface RemoteQuery {
  readonly nr: number;
  /** Arguments, given the address of the room. */
  readonly args: (room: bigint) => readonly (number | bigint)[];
  /** Bytes of room that it needs; by default none. */
  readonly room?: number;
}

/** The outcome of a {@link RemoteQuery}: the call's result or `-errno`, and the room's content. */
export interface RemoteAnswer {
  readonly result: bigint;
  readonly bytes: Uint8Array;
}

/** A query without room. */
export function plainQuery(nr: number, ...args: readonly (number | bigint)[]): RemoteQuery {
  return { nr, args: () => args };
}

/** Bytes of scratch memory that a query takes. */
export function roomOf(query: RemoteQuery): number {
  return Math.ceil((query.room ?? 0) / 8) * 8;
}
