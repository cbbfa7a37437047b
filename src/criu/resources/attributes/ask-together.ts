// SPDX-License-Identifier: Apache-2.0
import { notTraced } from '../../tracee/not-traced.js';
import { encodeCalls, WORDS_PER_CALL } from '../../tracee/remote-calls.js';
import type { Batching, Tracee } from '../../tracee/tracee.js';
import { roomOf, type RemoteAnswer, type RemoteQuery } from './query.js';

/** How many threads are asked by one request to the tracer: their answers are read while it asks the next ones. */
const AT_A_TIME = 32;
const WORD = 8;

/** Queries of a thread, and who is told the answers. */
export interface Turn {
  readonly thread: Tracee;
  readonly queries: RemoteQuery[];
  readonly resolve: (answers: readonly RemoteAnswer[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Whether all queries of a turn fit into one table of calls, and their rooms into the scratch memory. */
export function mayBeAskedTogether({ thread, queries }: Turn): boolean {
  const { batching } = thread;
  if (!batching) return false;
  const room = queries.reduce((sum, query) => sum + roomOf(query), 0);
  const table = queries.length * WORDS_PER_CALL * WORD;
  return room <= thread.scratch.size && table <= batching.table.size;
}

/** Queries as the tracer takes them: equal processes are asked the same, at the same addresses. */
class Question {
  readonly words: BigUint64Array;
  readonly #queries: readonly RemoteQuery[];
  readonly #address: bigint;
  /** Where the room of each begins, and where the last one ends. */
  readonly #rooms: readonly number[];
  #last: readonly RemoteAnswer[] = [];
  #lastBytes: Buffer = Buffer.alloc(0);

  constructor({ thread, queries }: Turn) {
    this.#queries = queries;
    this.#address = thread.scratch.address;
    const rooms = [0];
    const calls = queries.map((query, index) => {
      const at = rooms[index] ?? 0;
      rooms.push(at + roomOf(query));
      return { nr: query.nr, args: query.args(this.#address + BigInt(at)) };
    });
    this.#rooms = rooms;
    this.words = encodeCalls(calls);
  }

  get roomWords(): number {
    return (this.#rooms.at(-1) ?? 0) / WORD;
  }

  /** How many words its answers take. */
  get width(): number {
    return this.#queries.length + this.roomWords;
  }

  isThatOf({ thread, queries }: Turn): boolean {
    return (
      thread.scratch.address === this.#address &&
      queries.length === this.#queries.length &&
      queries.every((query, index) => query === this.#queries[index])
    );
  }

  /** Decodes answers; equal ones that follow each other are the same object. */
  answers(bytes: Buffer): readonly RemoteAnswer[] {
    if (!bytes.equals(this.#lastBytes)) {
      [this.#last, this.#lastBytes] = [this.#decode(bytes), bytes];
    }
    return this.#last;
  }

  #decode(bytes: Buffer): RemoteAnswer[] {
    const rooms = bytes.subarray(this.#queries.length * WORD);
    return this.#queries.map(({ room = 0 }, index) => {
      const at = this.#rooms[index] ?? 0;
      return { result: bytes.readBigInt64LE(index * WORD), bytes: rooms.subarray(at, at + room) };
    });
  }
}

/** The last one that was asked. */
let usual: Question | undefined;

function questionOf(turn: Turn): Question {
  if (usual?.isThatOf(turn) !== true) usual = new Question(turn);
  return usual;
}

/** Asks many threads, each of another process, and tells each turn its answers. */
export async function askTogether(turns: readonly Turn[]): Promise<void> {
  const asked: Promise<void>[] = [];
  for (const [tracer, own] of byTracer(turns)) {
    for (let at = 0; at < own.length; at += AT_A_TIME) {
      asked.push(askOrReject(tracer, own.slice(at, at + AT_A_TIME)));
    }
  }
  await Promise.all(asked);
}

/** Each session has a tracer of its own, and checkpoints of two containers may go on at the same time. */
function byTracer(turns: readonly Turn[]): ReadonlyMap<Batching['tracer'], Turn[]> {
  const all = new Map<Batching['tracer'], Turn[]>();
  for (const turn of turns) {
    const tracer = turn.thread.batching?.tracer;
    const own = tracer && all.get(tracer);
    if (own) own.push(turn);
    else if (tracer) all.set(tracer, [turn]);
  }
  return all;
}

async function askOrReject(tracer: Batching['tracer'], turns: readonly Turn[]): Promise<void> {
  try {
    await askSome(tracer, turns);
  } catch (error) {
    for (const { reject } of turns) reject(error);
  }
}

async function askSome(tracer: Batching['tracer'], turns: readonly Turn[]): Promise<void> {
  const questions = turns.map(questionOf);
  const sites = new BigUint64Array(turns.length * 4);
  const calls = new BigUint64Array(questions.reduce((sum, { words }) => sum + words.length, 0));
  let end = 0;
  questions.forEach(({ words, roomWords }, index) => {
    const { batching, scratch } = turns[index]?.thread ?? {};
    const { code = 0n, table } = batching ?? {};
    sites.set([code, table?.address ?? 0n, scratch?.address ?? 0n, BigInt(roomWords)], index * 4);
    calls.set(words, end);
    end += words.length;
  });
  const tids = Int32Array.from(turns, ({ thread }) => thread.tid);
  const counts = Int32Array.from(turns, ({ queries }) => queries.length);
  const answered = await tracer.batchMany(tids, sites, counts, calls);
  tellAll(turns, questions, Buffer.from(answered.buffer));
}

function tellAll(turns: readonly Turn[], questions: readonly Question[], all: Buffer): void {
  let at = 0;
  turns.forEach(({ thread, resolve, reject }, index) => {
    const question = questions[index];
    if (!question) return;
    const error = Number(all.readBigInt64LE(at));
    const end = at + WORD + question.width * WORD;
    if (error === 0) resolve(question.answers(all.subarray(at + WORD, end)));
    else reject(notTraced(`make a system call in ${thread.label}`, error));
    at = end;
  });
}
