// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { expectCgroupMoves, moveNowhere } from '../../../src/common/cgroup-moves.js';

/** A move that counts its calls, and lets a test wait for a number of them. */
function counted(): {
  readonly move: () => Promise<void>;
  readonly reached: (number: number) => Promise<void>;
} {
  let count = 0;
  return {
    move: () => {
      count += 1;
      return Promise.resolve();
    },
    reached: async (number) => {
      const timer = setInterval(() => undefined, 1); // What is waited for does not keep us alive.
      while (count < number) await nextTurn();
      clearInterval(timer);
    },
  };
}

test('moves go on until the work is done', async (t) => {
  const { move, reached } = counted();
  const result = await expectCgroupMoves(async () => {
    await reached(3);
    return 'done';
  }, move);
  t.is(result, 'done');
});

test('moves end with the work', async (t) => {
  let late = 0;
  let isDone = false;
  await expectCgroupMoves(
    () => Promise.resolve(),
    () => {
      if (isDone) late += 1;
      return Promise.resolve();
    },
  );
  isDone = true;
  const other = counted();
  await expectCgroupMoves(() => other.reached(3), other.move);
  t.is(late, 0);
});

test('a move that fails does not fail the work', async (t) => {
  const refuse = (): Promise<void> => Promise.reject(new Error('no cgroup'));
  t.is(await expectCgroupMoves(() => Promise.resolve(1), refuse), 1);
});

test('the failure of the work is passed on', async (t) => {
  const { move } = counted();
  const work = (): Promise<never> => Promise.reject(new Error('runc failed'));
  await t.throwsAsync(expectCgroupMoves(work, move), { message: 'runc failed' });
});

test('this process stays in its cgroups', async (t) => {
  const before = readFileSync('/proc/self/cgroup', 'utf8');
  await moveNowhere();
  t.is(readFileSync('/proc/self/cgroup', 'utf8'), before);
});
