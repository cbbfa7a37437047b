// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { medianSteps, parseMarks, stepsOf, traceRows } from '../../../bench/trace.js';

const TEXT = `900 7 100 50 1 2 0 call Wait
1000 1 0 0 0 0 0 client begin
9000 8 4000 900 30 4 120 stage open
3000 8 1500 700 20 2 0 call Create
9500 1 0 0 0 0 0 client reply
9900 8 9000 950 40 8 0 answer Delete
`;

test('steps go from the first mark of the client to its last, in the order of time', (t) => {
  t.deepEqual(stepsOf(parseMarks(TEXT)), [
    { name: 'call Create', ms: 2, cpuMs: 1.5, sinceBeginMs: 2 },
    { name: 'stage open', ms: 6, cpuMs: 2.5, sinceBeginMs: 8 },
    { name: 'client reply', ms: 0.5, cpuMs: 0, sinceBeginMs: 8.5 },
  ]);
});

test('a step that only some restores have is in no median', (t) => {
  const step = (name: string, ms: number): ReturnType<typeof stepsOf>[number] => ({
    name,
    ms,
    cpuMs: ms,
    sinceBeginMs: ms,
  });
  const medians = medianSteps([
    [step('a', 1), step('odd', 2), step('b', 10)],
    [step('a', 3), step('b', 20)],
  ]);
  t.deepEqual(medians, [step('a', 2), step('b', 15)]);
});

test('a row says who does what; a mark that nobody knows stands for itself', (t) => {
  const rows = traceRows([
    { name: 'stage plan', ms: 1, cpuMs: 0.5, sinceBeginMs: 2 },
    { name: 'other', ms: 1, cpuMs: 0, sinceBeginMs: 3 },
  ]);
  t.deepEqual(rows.slice(1), [
    ['engine: plan', '1.0', '2.0', '0.5'],
    ['other', '1.0', '3.0', '0.0'],
  ]);
});
