// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { checkpointSteps, stepRows, typicalSteps } from '../../../bench/stages.js';
import { parseMarks } from '../../../bench/trace.js';

const TEXT = `500 7 100 50 1 2 0 checkpoint
1000 7 200 50 1 2 0 checkpoint
1500 7 250 50 1 2 0 areas
2000 7 300 60 2 2 0 stage prepare
2500 9 0 0 0 0 0 forked
4000 7 1300 160 12 5 250 areas
9000 7 2300 260 13 6 0 stage inspect
`;

test('steps are those of the last attempt, and of each name the last', (t) => {
  t.deepEqual(checkpointSteps(parseMarks(TEXT)), [
    { name: 'stage prepare', ms: 0.5, cpuMs: 0.05, systemMs: 0.01, faults: 1, waits: 0, gcMs: 0 },
    { name: 'areas', ms: 2, cpuMs: 1, systemMs: 0.1, faults: 10, waits: 3, gcMs: 0.25 },
    { name: 'stage inspect', ms: 5, cpuMs: 1, systemMs: 0.1, faults: 1, waits: 1, gcMs: 0 },
  ]);
});

test('estimates are averaged, and a step that only some checkpoints have is left out', (t) => {
  const step = (
    name: string,
    ms: number,
    systemMs: number,
  ): ReturnType<typeof typicalSteps>[number] => ({
    ...{ name, ms, cpuMs: ms, systemMs },
    ...{ faults: ms, waits: 0, gcMs: 0 },
  });
  const typical = typicalSteps([
    [step('a', 1, 0), step('odd', 2, 0)],
    [step('a', 2, 0)],
    [step('a', 9, 6)],
  ]);
  t.deepEqual(typical, [step('a', 2, 2)]);
  t.deepEqual(stepRows(typical)[1], ['a', '2.0', '2.0', '2.0', '2', '0', '0.0']);
});
