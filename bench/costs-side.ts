// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import { makeBundle } from '../test/helpers/targets-bundle.js';
import { BIN, REPOSITORY } from '../test/helpers/paths.js';
import { run, until } from '../test/helpers/run.js';
import { wordsOf } from '../test/helpers/standbys.js';
import { standbyIsWarm } from './warm-standby.js';
import { readFrozenMsOf } from './stats.js';

/** What a checkpoint that kills, and a restore, of many things cost. Milliseconds; null: unknown. */
export interface Costs {
  readonly checkpointMs: number;
  /** Standstill as the engine counts it. */
  readonly frozenMs: number | null;
  /**
   * User and system time of the command and its children; the holder of a VAS is not one of them. Null if a standby ran
   * the command, since its fork is not one either.
   */
  readonly checkpointCpuMs: number | null;
  readonly restoreMs: number;
  /** Whether a standby ran the commands. */
  readonly isServed: boolean;
}

/** How a side checkpoints and restores a container of runc. */
export interface CostsEngine {
  checkpoint(place: Place): readonly string[];
  restore(place: Place): readonly string[];
  /** Whether a standby runs the commands from here on. */
  isServed(): boolean;
  /** Standstill of the last checkpoint, in milliseconds, from what it printed or wrote. */
  frozenMs(place: Place, printed: string): Promise<number | null>;
  /** Drops what a checkpoint keeps outside its image, as named in what it printed. */
  discard(printed: string): Promise<void>;
}

/** Where a container's files are. */
interface Place {
  readonly id: string;
  readonly bundle: string;
  readonly runcRoot: string;
  readonly image: string;
}

const mvas = join(BIN, 'mvas');

const pathsOf = ({ runcRoot, image }: Place): string[] => [
  '--runc-root',
  runcRoot,
  '--image-path',
  image,
];

/** Compiles the program `many`; resolves with its path. */
export async function buildMany(path: string): Promise<string> {
  await run('gcc', ['-O1', '-static', '-o', path, join(REPOSITORY, 'bench/many.c')]);
  return path;
}

/** Has a command leave a standby, and waits until that has warmed up. */
export async function warmStandby(): Promise<void> {
  if (process.env['MVAS_STANDBY'] === '0') return;
  await run(mvas, ['checkpoint', '--image-path', 'none', 'nobody']).catch(() => undefined);
  await standbyIsWarm();
}

/** This project's engine, by its command. */
export const MVAS: CostsEngine = {
  checkpoint: (place) => [mvas, 'checkpoint', '--json', ...pathsOf(place), place.id],
  restore: (place) => {
    const flags = [...pathsOf(place), '--bundle', place.bundle, '--detach'];
    return [mvas, 'restore', ...flags, place.id];
  },
  isServed: () =>
    process.env['MVAS_STANDBY'] !== '0' &&
    readdirSync('/proc').some(
      (pid) => wordsOf(pid, 'cmdline').slice(0, 2).join(' ') === 'mvas -standby',
    ),
  frozenMs: (_, printed) => Promise.resolve((JSON.parse(printed) as { frozenMs: number }).frozenMs),
  discard: async (printed) => {
    await run(mvas, ['rm', (JSON.parse(printed) as { vasId: string }).vasId]);
  },
};

/** Keeps connections; without any, it changes nothing. */
const TCP = '--tcp-established';

/** runc with the CRIU in a directory. */
export function criuEngine(directory: string): CostsEngine {
  const runc = (verb: string, { id, runcRoot, image }: Place, ...flags: string[]): string[] => {
    const global = ['--root', runcRoot, '--criu', join(directory, 'criu')];
    const paths = ['--image-path', image, '--work-path', `${image}-work`];
    return ['runc', ...global, verb, ...paths, ...flags, id];
  };
  return {
    checkpoint: (place) => runc('checkpoint', place, TCP),
    restore: (place) => runc('restore', place, TCP, '--bundle', place.bundle, '--detach'),
    isServed: () => false,
    frozenMs: ({ image }) => readFrozenMsOf(join(`${image}-work`, 'stats-dump')),
    discard: () => Promise.resolve(),
  };
}

/** What to run: the program `many`, and its two arguments. */
export interface Workload {
  readonly program: string;
  readonly what: string;
  readonly number: number;
}

/**
 * Starts a workload in a container, checkpoints it, which kills it, restores it, and removes every trace.
 * All files are in `directory`.
 */
export async function measureCosts(
  engine: CostsEngine,
  { program, what, number }: Workload,
  directory: string,
): Promise<Costs> {
  const id = `costs-${what}-${String(process.pid)}`;
  const [bundle, image, runcRoot] = ['bundle', 'image', 'runc'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  const place: Place = { id, bundle, runcRoot, image };
  const remove = ['--root', runcRoot, 'delete', '--force', id];
  makeBundle({
    path: bundle,
    binary: program,
    args: [what, String(number)],
    cgroup: `/mvas-${id}`,
    extraCapabilities: [],
    wantsRealtime: false,
    libraries: [],
  });
  if (what === 'tcp') await raiseLoopback(bundle, program);
  for (const folder of [image, `${image}-work`]) await mkdir(folder);
  try {
    const start = ['--root', runcRoot, 'run', '--detach', '--bundle', bundle, id];
    await run('runc', start, { discardOutput: true });
    await until('workload', () => readFile(join(bundle, 'rootfs/ready')));
    const isServed = engine.isServed();
    const saved = await timed(engine.checkpoint(place), directory);
    const frozenMs = await engine.frozenMs(place, saved.printed);
    await run('runc', remove);
    const restored = await timed(engine.restore(place), directory);
    await run('runc', remove);
    await engine.discard(saved.printed);
    return {
      checkpointMs: saved.wallMs,
      frozenMs,
      checkpointCpuMs: isServed ? null : saved.cpuMs,
      restoreMs: restored.wallMs,
      isServed,
    };
  } finally {
    await run('runc', ['--root', runcRoot, 'delete', '--force', id]).catch(() => undefined);
    for (const folder of [bundle, image, `${image}-work`]) await rm(folder, { recursive: true });
  }
}

/** CRIU leaves the loopback interface of a restored network namespace down where there is no ip(8); a hook raises it. */
async function raiseLoopback(bundle: string, program: string): Promise<void> {
  const file = join(bundle, 'config.json');
  const spec = JSON.parse(await readFile(file, 'utf8')) as object;
  const hooks = { prestart: [{ path: program, args: ['many', 'loopback', '0'] }] };
  await writeFile(file, JSON.stringify({ ...spec, hooks }));
}

/** Wall and processor time of a command and of all it has waited for, in milliseconds. */
async function timed(argv: readonly string[], directory: string) {
  const [times, printed] = ['times', 'printed'].map((name) => join(directory, name)) as [
    string,
    string,
  ];
  const script = `TIMEFORMAT='%R %U %S'; { time "$@" >${printed} 2>&1; } 2>${times}`;
  try {
    await run('bash', ['-c', script, 'bash', ...argv], { discardOutput: true });
  } catch (error) {
    const said = await readFile(printed, 'utf8');
    throw new ShimError('unknown', `${ShimError.from(error).message}: ${said.slice(-2000)}`);
  }
  const [real = 0, user = 0, system = 0] = (await readFile(times, 'utf8')).split(' ').map(Number);
  const wallMs = real * 1000;
  return { wallMs, cpuMs: (user + system) * 1000, printed: await readFile(printed, 'utf8') };
}
