// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { Scope } from '../src/common/scope.js';
import { findCriuIfAny } from './criu-side.js';
import { median, round } from './figures.js';
import { inTurn } from './in-turn.js';
import { formatTable } from './report.js';
import { RuncContainers } from './runc-containers.js';
import {
  buildPings,
  byCriu,
  byCriuWithPreDump,
  byMvas,
  measureStandstill,
  type LiveCheckpoint,
  type Standstill,
} from './standstill-side.js';
import { temporaryInMemory } from './temporary.js';

/** Values a second that are written meanwhile: none, and many. */
const WRITES = [0, 20_000];

const ROWS: readonly (readonly [string, keyof Standstill])[] = [
  ['standstill, as the engine counts it', 'standstillMs'],
  ['  as a client sees it', 'standstillOutsideMs'],
  ['  the longest, as a client sees it', 'longestOutsideMs'],
  ['checkpoint, as its caller sees it', 'checkpointMs'],
  ['values written a second', 'writesPerSecond'],
];

/** Medians by the size of redis in MiB, by the values written a second, and by side; null for one that cannot. */
export type StandstillResult = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, Standstill | null>>>>>
>;

/** Checkpoints redis with all sides in turn, while nobody pauses it; prints each table. */
export async function measureAllStandstills(
  sizes: readonly number[],
  runs: number,
  say: (message: string) => void,
): Promise<StandstillResult> {
  const scope = new Scope();
  try {
    const { sides, criuDirectory } = await openSides(say);
    const directory = await temporaryInMemory();
    scope.defer('remove the program', () => rm(directory, { recursive: true }));
    const pings = await buildPings(directory);
    const containers = await RuncContainers.open(criuDirectory, { programs: [pings] });
    scope.defer('remove the containers', () => containers.close());
    const result: Record<string, Record<string, Record<string, Standstill | null>>> = {};
    for (const mib of sizes) {
      const bySize = (result[String(mib)] = {} as Record<
        string,
        Record<string, Standstill | null>
      >);
      for (const writes of WRITES) {
        const what = `redis with ${String(mib)} MiB, ${String(writes)} values written a second`;
        const all = await inTurn(
          sides,
          runs,
          async (name, checkpoint) => {
            say(`${what}: ${name}`);
            return await measureStandstill(containers, pings, checkpoint, { mib, writes });
          },
          say,
        );
        const seen = Object.fromEntries(
          Object.entries(all).map(([name, some]) => [name, some && medianOf(some)]),
        );
        bySize[String(writes)] = seen;
        process.stdout.write(
          `\n${what}, nobody pauses it, medians of ${String(runs)}\n\n${table(seen)}\n`,
        );
      }
    }
    return result;
  } finally {
    await scope.close();
  }
}

async function openSides(say: (message: string) => void): Promise<{
  readonly sides: ReadonlyMap<string, LiveCheckpoint>;
  readonly criuDirectory: string | undefined;
}> {
  const sides = new Map([['mvas', byMvas]]);
  const criuDirectory = await findCriuIfAny(say);
  if (criuDirectory !== undefined) {
    sides.set('criu', byCriu);
    sides.set('criuPreDump', byCriuWithPreDump);
  }
  return { sides, criuDirectory };
}

function medianOf(all: readonly Standstill[]): Standstill {
  const of = (pick: (one: Standstill) => number): number => round(median(all.map(pick)));
  const isTold = all.every(({ standstillMs }) => standstillMs !== null);
  return {
    standstillMs: isTold ? of((one) => one.standstillMs ?? 0) : null,
    standstillOutsideMs: of((one) => one.standstillOutsideMs),
    longestOutsideMs: of((one) => one.longestOutsideMs),
    checkpointMs: of((one) => one.checkpointMs),
    writesPerSecond: of((one) => one.writesPerSecond),
  };
}

function table(sides: Readonly<Record<string, Standstill | null>>): string {
  const rows = ROWS.map(([label, name]) => [
    label,
    ...Object.values(sides).map((one) =>
      cell(one?.[name], name === 'writesPerSecond' ? '' : ' ms'),
    ),
  ]);
  return formatTable([['', ...Object.keys(sides)], ...rows]);
}

function cell(value: number | null | undefined, unit: string): string {
  return typeof value === 'number' ? `${value.toFixed(unit === '' ? 0 : 1)}${unit}` : 'not told';
}
