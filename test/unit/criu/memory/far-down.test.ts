// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { readFarDown } from '../../../../src/criu/memory/far-down.js';
import { has, TRAIT, type MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { area, mapOf, pages } from './maps.js';

const OWN = { runs: pages([1, 2]), traits: TRAIT.accounted };

function isRead(more: Partial<MappedArea>, forks: number): boolean {
  const [found] = readFarDown(mapOf(2, area(1, 4, { ...OWN, ...more })), forks).areas;
  return found !== undefined && has(found, 'read');
}

test('memory of a process is read from the sixteenth fork on', (t) => {
  t.deepEqual(
    [0, 1, 15, 16, 500].map((forks) => isRead({}, forks)),
    [false, false, false, true, true],
  );
  t.true(isRead({ traits: 0, flags: 0x4022 }, 16), 'without a reserve, as it says');
});

for (const [what, more] of [
  ['cannot be written', { prot: 1 }],
  ['is inherited', { holes: [] }],
  ['is a file', { kind: 'file-private' }],
  ['has no pages', { runs: [] }],
  ['may be dropped', { flags: 0x28 }],
  ['has huge pages', { traits: TRAIT.accounted | TRAIT.hugePages }],
  ['has no reserve although it should', { traits: 0 }],
] as const) {
  test(`memory that ${what} comes along wherever its process is`, (t) => {
    t.false(isRead(more, 16));
  });
}
