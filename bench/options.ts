// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { ShimError } from '../src/common/errors.js';
import { QUANTITIES, type Quantity } from './costs-work.js';

const MVAS_RUNTIME = 'io.containerd.mvas.v1';

/** The parts of the bench. */
export const PARTS = [
  'restore',
  'trace',
  'stages',
  'standstill',
  'series',
  'prefork',
  'stdout',
  'run',
  'exec',
  'memory',
  'costs',
  'clones',
] as const;

/**
 * A part of the bench: redis checkpointed and restored, where the time of a restore and of a checkpoint goes, redis
 * checkpointed while nobody pauses it, again and again, a server with workers, 1 GiB of output, three costs of a shim, the costs of many processes, mappings and descriptors, and those of clones.
 */
export type Part = (typeof PARTS)[number];

/** The command-line options of demo and bench. */
export interface BenchOptions {
  /** File for the result in JSON; none by default. */
  readonly json: string | undefined;
  /** Sizes of the data set in MiB, at least one. */
  readonly mib: readonly number[];
  /** Number of runs of each measurement. */
  readonly runs: number;
  /** The containerd runtime under test. */
  readonly runtime: string;
  /** The parts to measure; the demo has only one. */
  readonly only: readonly Part[];
  /** The quantities of the part `costs`. */
  readonly costs: readonly Quantity[];
}

/** The name of the side under test in results: `mvas`, or the runtime's name if it is another one. */
export function sideName({ runtime }: Pick<BenchOptions, 'runtime'>): string {
  return runtime === MVAS_RUNTIME ? 'mvas' : runtime;
}

/**
 * Parses `--json FILE`, `--mib N[,N...]`, `--runs N`, `--runtime NAME`, `--only PART[,PART...]`,
 * `--costs WHAT[:N][,WHAT[:N]...]`; rejects anything else.
 */
export function parseOptions(
  args: readonly string[],
  defaults: Pick<BenchOptions, 'mib' | 'runs'>,
): BenchOptions {
  const { json, mib, runs, runtime, only, costs } = parse(args);
  return {
    json,
    mib: mib === undefined ? defaults.mib : mib.split(',').map((text) => positive('--mib', text)),
    runs: runs === undefined ? defaults.runs : positive('--runs', runs),
    only: only === undefined ? PARTS : only.split(',').map(partOf),
    costs: costs === undefined ? QUANTITIES : costs.split(',').map(quantityOf),
    runtime: runtime ?? process.env['MVAS_E2E_RUNTIME'] ?? MVAS_RUNTIME,
  };
}

type Flags = Partial<Record<'json' | 'mib' | 'runs' | 'runtime' | 'only' | 'costs', string>>;

function parse(args: readonly string[]): Flags {
  const string = { type: 'string' } as const;
  const options = {
    json: string,
    mib: string,
    runs: string,
    runtime: string,
    only: string,
    costs: string,
  };
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (cause) {
    throw new ShimError('invalidArgument', ShimError.from(cause).message, { cause });
  }
}

function partOf(text: string): Part {
  const part = PARTS.find((name) => name === text);
  if (part !== undefined) return part;
  throw new ShimError('invalidArgument', `--only ${text}: not one of ${PARTS.join(', ')}`);
}

function quantityOf(text: string): Quantity {
  const [name = '', number] = text.split(':');
  const known = QUANTITIES.find(([what]) => what === name);
  if (known === undefined) {
    const all = QUANTITIES.map(([what]) => what).join(', ');
    throw new ShimError('invalidArgument', `--costs ${text}: not one of ${all}`);
  }
  return number === undefined ? known : [name, positive('--costs', number)];
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new ShimError('invalidArgument', `${flag} ${text}: not a positive whole number`);
  }
  return value;
}
