// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { Scope } from '../src/common/scope.js';
import { warmStandby } from './costs-side.js';
import { findCriuIfAny } from './criu-side.js';
import { median, round } from './figures.js';
import { inTurn } from './in-turn.js';
import { formatTable } from './report.js';
import { RuncContainers } from './runc-containers.js';
import {
  measureSeries,
  seriesByCriu,
  seriesByCriuOfChanges,
  seriesByMvas,
  seriesInMvas,
  type Series,
  type SeriesSide,
} from './series-side.js';
import { buildPings } from './standstill-side.js';
import { temporaryInMemory } from './temporary.js';

/** Values a second that are written meanwhile. */
const WRITES = 20_000;
const MIB = 1024 * 1024;

const ROWS: readonly (readonly [string, (series: Series) => string])[] = [
  ['checkpoints a second', (one) => one.seriesPerSecond.toFixed(1)],
  ['values that are not written', (one) => `${one.seriesLossPercent.toFixed(1)} %`],
  ['standstill of each', (one) => told(one.seriesStandstillMs)],
  [
    'memory of each, of all but the first',
    (one) => `${(one.seriesBytesEach / MIB).toFixed(1)} MiB`,
  ],
];

/** Medians by the size of redis in MiB and by side; null for a side that cannot. */
export type SeriesResult = Readonly<Record<string, Readonly<Record<string, Series | null>>>>;

/** Takes series of checkpoints of a redis that is written to, with all sides in turn; prints each table. */
export async function measureAllSeries(
  sizes: readonly number[],
  runs: number,
  say: (message: string) => void,
): Promise<SeriesResult> {
  const scope = new Scope();
  try {
    const criu = await findCriuIfAny(say);
    const sides = new Map<string, SeriesSide>([
      ['mvas', seriesByMvas],
      ['mvasSeries', seriesInMvas()],
    ]);
    if (criu !== undefined) {
      sides.set('criu', seriesByCriu);
      sides.set('criuOfChanges', seriesByCriuOfChanges);
    }
    const directory = await temporaryInMemory();
    scope.defer('remove the program', () => rm(directory, { recursive: true }));
    const pings = await buildPings(directory);
    const containers = await RuncContainers.open(criu, { programs: [pings] });
    scope.defer('remove the containers', () => containers.close());
    say('series: a standby warms up');
    await warmStandby();
    const result: Record<string, Record<string, Series | null>> = {};
    for (const mib of sizes) {
      const what = `series of a redis with ${String(mib)} MiB, ${String(WRITES)} values written a second`;
      const measure = async (name: string, side: SeriesSide): Promise<Series> => {
        say(`${what}: ${name}`);
        return await measureSeries(containers, pings, side, { mib, writes: WRITES });
      };
      const all = Object.entries(await inTurn(sides, runs, measure, say));
      const seen = Object.fromEntries(all.map(([name, some]) => [name, some && medianOf(some)]));
      process.stdout.write(`\n${what}, medians of ${String(runs)}\n\n${seriesTable(seen)}\n`);
      result[String(mib)] = seen;
    }
    return result;
  } finally {
    await scope.close();
  }
}

function medianOf(all: readonly Series[]): Series {
  const of = (pick: (one: Series) => number): number => round(median(all.map(pick)));
  const isTold = all.every(({ seriesStandstillMs }) => seriesStandstillMs !== null);
  return {
    seriesPerSecond: of((one) => one.seriesPerSecond),
    seriesLossPercent: of((one) => one.seriesLossPercent),
    seriesStandstillMs: isTold ? of((one) => one.seriesStandstillMs ?? 0) : null,
    seriesBytesEach: of((one) => one.seriesBytesEach),
  };
}

/** One column for each side. */
export function seriesTable(sides: Readonly<Record<string, Series | null>>): string {
  const rows = ROWS.map(([label, text]) => [
    label,
    ...Object.values(sides).map((one) => (one ? text(one) : 'cannot')),
  ]);
  return formatTable([['', ...Object.keys(sides)], ...rows]);
}

function told(ms: number | null): string {
  return ms === null ? 'not told' : `${ms.toFixed(1)} ms`;
}
