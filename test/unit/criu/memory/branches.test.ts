// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Branches } from '../../../../src/criu/memory/branches.js';

const range = (start: number, end: number) => ({ start: BigInt(start), end: BigInt(end) });

/** Processes 2, 3 and 4 with two ranges each, and between 3 and 4 a range that belongs to none. */
function park(): Branches {
  const parks = new Map([
    [2, [range(10, 11), range(12, 13)]],
    [3, [range(20, 21), range(22, 23)]],
    [4, [range(40, 41), range(42, 43)]],
  ]);
  return new Branches(parks, [range(30, 31)]);
}

test('what lies together is one range', (t) => {
  const branches = park();
  const third = branches.branch(3, []);
  t.deepEqual(branches.ranges(third), [range(20, 23)]);
  t.deepEqual(branches.ranges(branches.branch(2, [third])), [range(10, 23)]);
});

test('what belongs to others is in between, and in no branch', (t) => {
  const branches = park();
  const all = branches.branch(2, [branches.branch(4, []), branches.branch(3, [])]);
  t.deepEqual(branches.ranges(all), [range(10, 23), range(40, 43)]);
  t.deepEqual(branches.ranges(branches.branch(0, [])), []);
  t.deepEqual(branches.ranges(branches.branch(0, [branches.branch(4, [])])), [range(40, 43)]);
  t.deepEqual(branches.ranges(branches.branch(9, [])), []);
});

test('a chain costs a range at each level', (t) => {
  const links = Array.from({ length: 1000 }, (_, at) => at + 2);
  const parks = new Map(links.map((pid) => [pid, [range(pid * 10, pid * 10 + 5)]] as const));
  const branches = new Branches(parks, []);
  let branch = branches.branch(0, []);
  for (const pid of links.reverse()) {
    branch = branches.branch(pid, [branch]);
    t.is(branch.length, 1);
  }
});
