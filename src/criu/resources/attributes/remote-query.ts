// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { RemoteCall, Tracee } from '../../tracee/tracee.js';
import { askTogether, mayBeAskedTogether, type Turn } from './ask-together.js';
import { roomOf, type RemoteAnswer, type RemoteQuery } from './query.js';

export { plainQuery, type RemoteAnswer, type RemoteQuery } from './query.js';

/** Queries of a thread that are made together, and of whoever waits for them. */
interface OpenTurn extends Turn {
  readonly answers: Promise<readonly RemoteAnswer[]>;
}

const turns = new Map<Tracee, OpenTurn>();

/** Parts of answers, by where they begin and end: those of equal processes are the same objects. */
const parts = new WeakMap<readonly RemoteAnswer[], Map<string, readonly RemoteAnswer[]>>();

/**
 * Makes many remote calls in few turns, with their results in the thread's scratch memory. Answers come in the
 * order of the queries. Queries that are made at the same time, by any callers and of any threads, share a turn; meanwhile
 * nobody may query another thread of the same process. Threads that are asked the same and answer the same get the same
 * answers, which nobody may change.
 */
export async function queryRemotely(
  thread: Tracee,
  queries: readonly RemoteQuery[],
): Promise<readonly RemoteAnswer[]> {
  const turn = turns.get(thread) ?? begin(thread);
  const from = turn.queries.length;
  turn.queries.push(...queries);
  return partOf(await turn.answers, from, from + queries.length);
}

function partOf(
  answers: readonly RemoteAnswer[],
  from: number,
  to: number,
): readonly RemoteAnswer[] {
  const known = parts.get(answers) ?? new Map<string, readonly RemoteAnswer[]>();
  parts.set(answers, known);
  const key = `${String(from)}-${String(to)}`;
  const part = known.get(key) ?? answers.slice(from, to);
  known.set(key, part);
  return part;
}

function begin(thread: Tracee): OpenTurn {
  if (turns.size === 0) void Promise.resolve().then(askAll);
  const turn: { -readonly [Key in keyof OpenTurn]?: OpenTurn[Key] } = { thread, queries: [] };
  turn.answers = new Promise((resolve, reject) => {
    [turn.resolve, turn.reject] = [resolve, reject];
  });
  turns.set(thread, turn as OpenTurn);
  return turn as OpenTurn;
}

function askAll(): void {
  const all = [...turns.values()];
  turns.clear();
  const together = all.filter(mayBeAskedTogether);
  void askTogether(together);
  for (const turn of all) {
    if (!together.includes(turn)) askOne(turn).then(turn.resolve, turn.reject);
  }
}

async function askOne({ thread, queries }: Turn): Promise<RemoteAnswer[]> {
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
