// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  plainQuery,
  queryRemotely,
} from '../../../../src/criu/resources/attributes/remote-query.js';
import { Interned } from '../../../../src/criu/resources/attributes/interned.js';
import type { Tracee } from '../../../../src/criu/tracee/tracee.js';

/** Threads of equal processes, of which one answers otherwise, and one has died; and how the tracer was asked. */
function threads(count: number, other: number, dead: number) {
  const asked: number[] = [];
  const tracer = {
    batchMany: (
      tids: Int32Array,
      sites: BigUint64Array,
      counts: Int32Array,
      calls: BigUint64Array,
    ) => {
      asked.push(tids.length);
      const answers = [...tids].flatMap((tid, index) => {
        const words = Number(sites[index * 4 + 3]);
        const at = [...counts.subarray(0, index)].reduce((sum, one) => sum + one * 7, 0);
        const results = Array.from(
          { length: counts[index] ?? 0 },
          (_, call) => calls[at + call * 7] ?? 0n,
        );
        const room = Array.from({ length: words }, () => (tid === other ? 2n : 1n));
        return [tid === dead ? -3n : 0n, ...results, ...room];
      });
      return Promise.resolve(BigInt64Array.from(answers));
    },
  };
  const site = { code: 0x1010n, table: { address: 0x2800n, size: 2048 } };
  const scratch = { address: 0x2000n, size: 2048 };
  const all = Array.from(
    { length: count },
    (_, tid) =>
      ({
        tid,
        label: `tid ${String(tid)}`,
        scratch,
        batching: { tracer, ...site },
      }) as unknown as Tracee,
  );
  return { all, asked };
}

const ROOM = { nr: 7, args: (room: bigint) => [room], room: 12 };

test('threads of many processes are asked together, and equal ones share their answers', async (t) => {
  const { all, asked } = threads(40, 5, -1);
  const queries = [plainQuery(3, -1), ROOM];
  const answers = await Promise.all(all.map((thread) => queryRemotely(thread, queries)));
  t.deepEqual(asked, [32, 8]);
  t.deepEqual(
    answers[0]?.map(({ result }) => result),
    [3n, 7n],
  );
  t.deepEqual([...(answers[0]?.[1]?.bytes ?? [])], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  t.is(answers[0], answers[4]);
  t.deepEqual([...(answers[5]?.[1]?.bytes ?? [])].slice(0, 2), [2, 0]);
  t.is(answers[6], answers[39], 'after one that differs');
});

test('a thread that has died is told of, and the others have their answers', async (t) => {
  const { all } = threads(3, -1, 1);
  const told = await Promise.allSettled(all.map((thread) => queryRemotely(thread, [ROOM])));
  t.deepEqual(
    told.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const [, gone] = told;
  t.regex(gone?.status === 'rejected' ? String(gone.reason) : '', /tid 1: ESRCH/);
});

test('equal values become one, and only those', (t) => {
  const made = (byte: number, more: object = {}) => ({
    bytes: Uint8Array.of(1, byte),
    list: [{ a: 1n }],
    ...more,
  });
  const interned = new Interned<object>();
  const first = interned.of(made(2));
  t.true(Object.isFrozen(first));
  t.is(interned.of(made(2)), first);
  for (const other of [
    made(3),
    made(2, { b: 0 }),
    { ...made(2), list: [{ a: 2n }] },
    { ...made(2), list: [] },
  ]) {
    t.is(interned.of(other), other);
  }
});
