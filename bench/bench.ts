// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { ShimError } from '../src/common/errors.js';
import type { Scope } from '../src/common/scope.js';
import { runProgram } from './program.js';
import { measureClones } from './clones-work.js';
import { ContainerdSide } from './containerd-side.js';
import { measureAllCosts } from './costs-work.js';
import { openCrunSide } from './crun-side.js';
import { CriuSide, findCriu } from './criu-side.js';
import {
  median,
  medians,
  round,
  type DaemonMemory,
  type Figures,
  type Measurement,
} from './figures.js';
import { sideName, type BenchOptions } from './options.js';
import { figuresTable, stdoutTable, type Shown } from './report.js';
import { measurePreforks } from './prefork-work.js';
import { measureAllSeries } from './series-work.js';
import { shimTable } from './shim-report.js';
import { measureShims } from './shim-work.js';
import { measureAllStandstills } from './standstill-work.js';
import { measureStages } from './stages-work.js';
import { measureStdout, type StdoutFigures } from './stdout-work.js';
import { traceRestores } from './trace-work.js';

/** A side of the comparison, which can do one run of the work. */
interface Side {
  measure(mib: number): Promise<Measurement>;
}

/** Medians of one side, with all runs. */
interface Summary {
  readonly median: Figures;
  /** Median of the standstill sampled from outside, which covers the client's own pause. */
  readonly standstillMs: number;
  /** Medians of the shim daemon's memory, in bytes; null where there is no shim. */
  readonly daemon: DaemonMemory | null;
  readonly runs: readonly Figures[];
}

const RUNC_SHIM = 'io.containerd.runc.v2';

const say = (message: string): void => {
  process.stderr.write(`bench: ${message}\n`);
};

await runProgram('bench', { mib: [64, 1024], runs: 5 }, async (scope, options) => {
  const { runtime, runs, only } = options;
  const runtimes = { [sideName(options)]: runtime, runcShim: RUNC_SHIM };
  const shims = await measureShims(runtimes, only, say);
  const table = shimTable(shims);
  if (table !== '') process.stdout.write(`\n${table}\n`);
  const restore = only.includes('restore') ? await benchRestore(scope, options) : {};
  const traced = { runtime, runs, mib: options.mib[0] ?? 64 };
  const trace = only.includes('trace') ? await traceRestores(traced, say) : {};
  const live = await benchLive(options);
  const stages = only.includes('stages') ? await measureStages(traced, say) : {};
  const stdout = only.includes('stdout') ? await benchStdout(runtimes, runs) : {};
  const costs = only.includes('costs') ? await measureAllCosts(options.costs, runs, say) : {};
  const clones = only.includes('clones') ? await measureClones(runs, say) : {};
  if (options.json === undefined) return;
  const parts = { ...restore, ...stdout, ...shims, ...live, costs, trace, stages, clones };
  const document = { runtime, runs, ...parts };
  await writeFile(options.json, `${JSON.stringify(document, null, 2)}\n`);
});

/** Checkpoints and restores of redis. */
async function benchRestore(
  scope: Scope,
  options: BenchOptions,
): Promise<{ criuVersion: string | null; mib: Record<string, Record<string, Summary>> }> {
  const { sides: withRunc, criuVersion } = await openSides(scope, options);
  const sides = await withCrun(scope, options, withRunc);
  const sizes: Record<string, Record<string, Summary>> = {};
  for (const mib of options.mib) {
    const summaries = await measureAll(sides, mib, options.runs);
    sizes[String(mib)] = summaries;
    const shown = Object.entries(summaries).map(([name, { median: figures, standstillMs }]) => [
      name,
      { figures, standstillMs },
    ]);
    process.stdout.write(
      `\nredis with ${String(mib)} MiB of values, medians of ${String(options.runs)}\n\n`,
    );
    process.stdout.write(`${figuresTable(Object.fromEntries(shown) as Record<string, Shown>)}\n`);
  }
  return { criuVersion, mib: sizes };
}

/** What runs by `mvas` and by runc alone: checkpoints while nobody pauses, series, servers with workers. */
async function benchLive({ only, mib, runs }: BenchOptions) {
  const standstill = only.includes('standstill') ? await measureAllStandstills(mib, runs, say) : {};
  const series = only.includes('series') ? await measureAllSeries(mib, runs, say) : {};
  const prefork = only.includes('prefork') ? await measurePreforks(runs, say) : {};
  return { standstill, series, prefork };
}

/** The output of a container. */
async function benchStdout(
  runtimes: Readonly<Record<string, string>>,
  runs: number,
): Promise<{ stdout1GiB: Record<string, StdoutFigures> }> {
  say('1 GiB through stdout');
  const stdout1GiB = await measureStdout(runtimes, runs);
  process.stdout.write(`\n1 GiB through stdout\n\n${stdoutTable(stdout1GiB)}\n`);
  return { stdout1GiB };
}

/**
 * The sides to compare: the runtime under test; runc and CRIU called directly; and the same two
 * through containerd. CRIU is left out, and the reason printed, if it is not available.
 */
async function openSides(
  scope: Scope,
  options: BenchOptions,
): Promise<{ sides: Map<string, Side>; criuVersion: string | null }> {
  const sides = new Map<string, Side>();
  const mvas = await ContainerdSide.open(options.runtime, say);
  scope.defer('stop containerd', () => mvas.close());
  sides.set(sideName(options), mvas);
  try {
    const { directory, version } = await findCriu();
    const criu = await CriuSide.open(directory);
    scope.defer('clean up after runc', () => criu.close());
    sides.set('criu', criu);
    const through = await ContainerdSide.open(RUNC_SHIM, say, [directory]);
    scope.defer('stop containerd of runc', () => through.close());
    sides.set('criuThroughContainerd', through);
    return { sides, criuVersion: version };
  } catch (error) {
    say(`no comparison with runc and CRIU: ${ShimError.from(error).message}`);
    return { sides, criuVersion: null };
  }
}

/** The same with crun, as the last of the sides. */
async function withCrun(
  scope: Scope,
  options: BenchOptions,
  sides: ReadonlyMap<string, Side>,
): Promise<ReadonlyMap<string, Side>> {
  const crun = await openCrunSide(scope, options.runtime, say);
  return crun ? new Map([...sides, [`${sideName(options)}Crun`, crun]]) : sides;
}

/** Runs all sides in turn, so that other load on the machine affects all of them. */
async function measureAll(
  sides: ReadonlyMap<string, Side>,
  mib: number,
  count: number,
): Promise<Record<string, Summary>> {
  const seen = new Map([...sides.keys()].map((name) => [name, [] as Measurement[]]));
  for (let index = 1; index <= count; index++) {
    for (const [name, side] of sides) {
      say(`${String(mib)} MiB, run ${String(index)} of ${String(count)}: ${name}`);
      const measurement = await side.measure(mib);
      if (measurement.keysAfter.some((keys) => keys !== measurement.keysBefore)) {
        throw new ShimError('dataLoss', `${name} lost keys`);
      }
      seen.get(name)?.push(measurement);
    }
  }
  return Object.fromEntries([...seen].map(([name, runs]) => [name, summarize(runs)]));
}

function summarize(runs: readonly Measurement[]): Summary {
  return {
    median: medians(runs.map((run) => run.figures)),
    standstillMs: round(median(runs.map((run) => run.standstillMs))),
    daemon: daemonMedians(runs.flatMap((run) => run.daemon ?? [])),
    runs: runs.map((run) => run.figures),
  };
}

function daemonMedians(series: readonly DaemonMemory[]): DaemonMemory | null {
  const first = series[0];
  if (!first) return null;
  const names = Object.keys(first) as (keyof DaemonMemory)[];
  const entries = names.map((name) => [name, median(series.map((memory) => memory[name]))]);
  return Object.fromEntries(entries) as DaemonMemory;
}
