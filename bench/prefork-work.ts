// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Scope } from '../src/common/scope.js';
import { buildMany, warmStandby } from './costs-side.js';
import { findCriuIfAny } from './criu-side.js';
import { median, round } from './figures.js';
import { inTurn } from './in-turn.js';
import { measurePrefork, preforkByCriu, preforkByMvas, type PreforkSide } from './prefork-side.js';
import type { Prefork } from './prefork-side.js';
import { cell, formatTable, times } from './report.js';
import { RuncContainers } from './runc-containers.js';
import { temporaryInMemory } from './temporary.js';

/** Memory of the server, in MiB. */
const SERVER_MIB = 256;

const ROWS: readonly (readonly [string, keyof Prefork, 'ms' | 'MiB'])[] = [
  ['memory of the server, with its workers', 'preforkBytes', 'MiB'],
  ['  of its checkpoint', 'preforkStoredBytes', 'MiB'],
  ['  of the restored one, when that is removed', 'preforkRestoredBytes', 'MiB'],
  ['standstill, as the engine counts it', 'preforkStandstillMs', 'ms'],
  ['checkpoint, as its caller sees it', 'preforkCheckpointMs', 'ms'],
  ['restore, as its caller sees it', 'preforkRestoreMs', 'ms'],
];

/** Medians by side; null for a side that cannot. */
export type PreforkResult = Readonly<Record<string, Prefork | null>>;

/** Checkpoints and restores a server with eight workers, with all sides in turn; prints a table. */
export async function measurePreforks(
  runs: number,
  say: (message: string) => void,
): Promise<PreforkResult> {
  const scope = new Scope();
  try {
    const criu = await findCriuIfAny(say);
    const sides = new Map<string, PreforkSide>([['mvas', preforkByMvas]]);
    if (criu !== undefined) sides.set('criu', preforkByCriu);
    const directory = await temporaryInMemory();
    scope.defer('remove the program', () => rm(directory, { recursive: true }));
    const programs = [await buildMany(join(directory, 'many'))];
    const containers = await RuncContainers.open(criu, { programs });
    scope.defer('remove the containers', () => containers.close());
    say('prefork: a standby warms up');
    await warmStandby();
    const measure = async (name: string, side: PreforkSide): Promise<Prefork> => {
      say(`a server with eight workers: ${name}`);
      return await measurePrefork(containers, side, SERVER_MIB);
    };
    const all = Object.entries(await inTurn(sides, runs, measure, say));
    const seen = Object.fromEntries(all.map(([name, some]) => [name, some && medianOf(some)]));
    const what = `a server with ${String(SERVER_MIB)} MiB and eight workers`;
    process.stdout.write(`\n${what}, medians of ${String(runs)}\n\n${preforkTable(seen)}\n`);
    return seen;
  } finally {
    await scope.close();
  }
}

function medianOf(all: readonly Prefork[]): Prefork {
  const names = Object.keys(all[0] ?? {}) as (keyof Prefork)[];
  const entries = names.map((name) => {
    const known = all.flatMap((one) => one[name] ?? []);
    return [name, known.length < all.length ? null : round(median(known))];
  });
  return Object.fromEntries(entries) as Prefork;
}

/** One column for each side, and how many times less the first needs than the second. */
export function preforkTable(sides: PreforkResult): string {
  const all = Object.values(sides);
  const rows = ROWS.map(([label, name, unit]) => {
    const values = all.map((one) => one?.[name] ?? null);
    return [label, ...values.map((value) => cell(value, unit)), times(values[0], values[1])];
  });
  return formatTable([['', ...Object.keys(sides), 'factor'], ...rows]);
}
