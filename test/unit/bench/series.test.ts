// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { inTurn } from '../../../bench/in-turn.js';
import { preforkTable } from '../../../bench/prefork-work.js';
import { lossPercent } from '../../../bench/series-side.js';
import { seriesTable } from '../../../bench/series-work.js';

test('sides take turns, and one that fails is left out from then on', async (t) => {
  const order: string[] = [];
  const said: string[] = [];
  const measure = (name: string, side: number): Promise<number> => {
    order.push(name);
    return side < 0 ? Promise.reject(new Error('cannot')) : Promise.resolve(side);
  };
  const sides = new Map([
    ['first', 1],
    ['other', -1],
    ['third', 3],
  ]);
  t.deepEqual(await inTurn(sides, 2, measure, (message) => said.push(message)), {
    first: [1, 1],
    other: null,
    third: [3, 3],
  });
  t.deepEqual(order, ['first', 'other', 'third', 'first', 'third']);
  t.deepEqual(said, ['other fails: cannot']);
});

test('without the first side there is no result', async (t) => {
  const measure = (): Promise<never> => Promise.reject(new Error('cannot'));
  const first = new Map([['first', 1]]);
  await t.throwsAsync(
    inTurn(first, 1, measure, () => undefined),
    { message: 'cannot' },
  );
});

test('the loss is what is written less; more is none', (t) => {
  t.is(lossPercent(20, 15), 25);
  t.is(lossPercent(20, 21), 0);
});

test('the table of a series has a column for a side that cannot', (t) => {
  const mvas = {
    ...{ seriesPerSecond: 2.5, seriesLossPercent: 12.34 },
    ...{ seriesStandstillMs: null, seriesBytesEach: 3 * 1024 * 1024 },
  };
  const table = seriesTable({ mvas, criu: null });
  t.regex(table, /^checkpoints a second +2\.5 +cannot$/m);
  t.regex(table, /^values that are not written +12\.3 % +cannot$/m);
  t.regex(table, /^standstill of each +not told +cannot$/m);
  t.regex(table, /^memory of each.* +3\.0 MiB +cannot$/m);
});

test('the table of a server with workers shows by how much the first side needs less', (t) => {
  const of = (bytes: number): Parameters<typeof preforkTable>[0][string] => ({
    ...{ preforkBytes: bytes, preforkStoredBytes: bytes, preforkRestoredBytes: bytes },
    ...{ preforkStandstillMs: null, preforkCheckpointMs: 4, preforkRestoreMs: 2 },
  });
  const table = preforkTable({ mvas: of(1024 * 1024), criu: of(4 * 1024 * 1024) });
  t.regex(table, /^ {2}of its checkpoint +1\.00 MiB +4\.00 MiB +4x$/m);
  t.regex(table, /^standstill.* +not told +not told$/m);
});
