// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { RemoteCall, Tracee } from '../../tracee/tracee.js';

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

/** Queries of a thread that are made together. */
interface Turn {
  readonly queries: RemoteQuery[];
  readonly answers: Promise<RemoteAnswer[]>;
}

const turns = new WeakMap<Tracee, Turn>();

/**
 * Makes many remote calls in few turns, with their results in the thread's scratch memory. Answers come in the
 * order of the queries. Queries of a thread that are made at the same time, by any callers, share a turn; meanwhile
 * nobody may query another thread of its process.
 */
export async function queryRemotely(
  thread: Tracee,
  queries: readonly RemoteQuery[],
): Promise<RemoteAnswer[]> {
  const turn = turns.get(thread) ?? begin(thread);
  const from = turn.queries.length;
  turn.queries.push(...queries);
  return (await turn.answers).slice(from, from + queries.length);
}

function begin(thread: Tracee): Turn {
  const queries: RemoteQuery[] = [];
  const turn = { queries, answers: Promise.resolve().then(() => askAll(thread, queries)) };
  turns.set(thread, turn);
  return turn;
}

async function askAll(thread: Tracee, queries: readonly RemoteQuery[]): Promise<RemoteAnswer[]> {
  turns.delete(thread);
  const answers: RemoteAnswer[] = [];
  for (const batch of batches(queries, thread.scratch.size)) {
    answers.push(...(await runBatch(thread, batch)));
  }
  return answers;
}

/** Queries whose rooms fit into the scratch memory together. */
function batches(queries: readonly RemoteQuery[], size: number): RemoteQuery[][] {
  const result: RemoteQuery[][] = [];
  let used = size;
  for (const query of queries) {
    const room = roomOf(query);
    if (room > size) throw new ShimError('internal', `a remote call needs ${String(room)} bytes`);
    if (result.length === 0 || used + room > size) {
      result.push([]);
      used = 0;
    }
    result.at(-1)?.push(query);
    used += room;
  }
  return result;
}

async function runBatch(thread: Tracee, batch: readonly RemoteQuery[]): Promise<RemoteAnswer[]> {
  const rooms: number[] = [];
  let used = 0;
  const calls = batch.map((query): RemoteCall => {
    const room = thread.scratch.address + BigInt(used);
    rooms.push(used);
    used += roomOf(query);
    return { nr: query.nr, args: query.args(room) };
  });
  const results = await thread.remote(calls);
  const memory = used > 0 ? thread.readMemory(thread.scratch.address, used) : new Uint8Array(0);
  return batch.map((query, index) => {
    const at = rooms[index] ?? 0;
    return { result: results[index] ?? 0n, bytes: memory.slice(at, at + (query.room ?? 0)) };
  });
}

function roomOf(query: RemoteQuery): number {
  return Math.ceil((query.room ?? 0) / 8) * 8;
}
