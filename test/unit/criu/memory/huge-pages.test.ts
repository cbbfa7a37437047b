// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { HUGE_PAGE, PAGE } from '../../../../src/native/abi/index.js';
import { denseBlocks } from '../../../../src/criu/memory/huge-pages.js';

const area = { start: HUGE_PAGE - PAGE, end: 5n * HUGE_PAGE };

test('whole blocks become one range, and what juts out does not count', (t) => {
  const runs = [{ start: area.start, length: 2n * HUGE_PAGE + 2n * PAGE }];
  t.deepEqual(denseBlocks(area, runs), [{ start: HUGE_PAGE, end: 3n * HUGE_PAGE }]);
});

test('a block with gaps counts from three quarters on', (t) => {
  const half = { start: HUGE_PAGE, length: HUGE_PAGE / 2n };
  const quarter = { start: HUGE_PAGE + (HUGE_PAGE * 3n) / 4n, length: HUGE_PAGE / 4n };
  t.deepEqual(denseBlocks(area, [half, quarter]), [{ start: HUGE_PAGE, end: 2n * HUGE_PAGE }]);
  t.deepEqual(denseBlocks(area, [half, { ...quarter, length: quarter.length - PAGE }]), []);
});

test('a block that the area covers in part never counts', (t) => {
  const small = { start: HUGE_PAGE, end: 2n * HUGE_PAGE - PAGE };
  t.deepEqual(denseBlocks(small, [{ start: small.start, length: small.end - small.start }]), []);
});
