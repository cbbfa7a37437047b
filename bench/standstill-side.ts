// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../test/helpers/paths.js';
import { run } from '../test/helpers/run.js';
import { REDIS_COMMAND, VALUE_BYTES } from '../test/helpers/workloads/redis.js';
import { checkpointByMvas, removeVas } from './mvas-command.js';
import { fill } from './redis-work.js';
import type { RuncContainers } from './runc-containers.js';
import { readFrozenMsOf } from './stats.js';

/** What a checkpoint that leaves a container running costs it. Milliseconds; null: unknown. */
export interface Standstill {
  /** How long it stood still in all stops, as the engine counts it. */
  readonly standstillMs: number | null;
  /** As a client sees it: the sum of its waits of more than a millisecond for an answer. */
  readonly standstillOutsideMs: number;
  /** The longest of these. */
  readonly longestOutsideMs: number;
  /** From the call that checkpoints to its end. */
  readonly checkpointMs: number;
  /** Values that redis has set per second meanwhile. */
  readonly writesPerSecond: number;
}

/** Where a checkpoint is to go. */
export interface Place {
  readonly id: string;
  /** An empty directory. */
  readonly directory: string;
}

/** Checkpoints a container, which goes on. Resolves with its standstill, as the engine reports it. */
export type LiveCheckpoint = (containers: RuncContainers, place: Place) => Promise<number | null>;

/** This project's engine, by its command; the VAS is dropped. */
export const byMvas: LiveCheckpoint = async (containers, { id, directory }) => {
  const image = join(directory, 'image');
  const { frozenMs, vasId } = await checkpointByMvas(containers, id, image, ['--leave-running']);
  await removeVas(vasId);
  return frozenMs;
};

/** CRIU, called by runc. */
export const byCriu: LiveCheckpoint = async (containers, { id, directory }) => {
  return await dump(containers, id, { directory, name: 'image', flags: ['--leave-running'] });
};

/** CRIU, which copies all memory in a first, shorter stop, and then what has been written to since. */
export const byCriuWithPreDump: LiveCheckpoint = async (containers, { id, directory }) => {
  const before = await dump(containers, id, { directory, name: 'parent', flags: ['--pre-dump'] });
  const flags = ['--leave-running', '--parent-path', '../parent'];
  const after = await dump(containers, id, { directory, name: 'image', flags });
  return before === null || after === null ? null : before + after;
};

/** `runc checkpoint`, with the image in a new directory `name`. Resolves with the standstill, as CRIU reports it. */
export async function dump(
  containers: RuncContainers,
  id: string,
  { directory, name, flags }: { directory: string; name: string; flags: readonly string[] },
): Promise<number | null> {
  const [image, work] = [join(directory, name), join(directory, `${name}-work`)];
  for (const folder of [image, work]) await mkdir(folder);
  const paths = ['--image-path', image, '--work-path', work];
  await containers.runc(['checkpoint', ...flags, ...paths, id]);
  return (
    (await readFrozenMsOf(join(work, 'stats-dump'))) ??
    (await readFrozenMsOf(join(image, 'stats-dump')))
  );
}

const RELAY_PORT = 7000;

/** What redis holds, and what is written to it meanwhile. */
export interface StandstillWork {
  readonly mib: number;
  /** Values a second. */
  readonly writes: number;
}

/** Compiles `pings` in a directory; resolves with its path. */
export async function buildPings(directory: string): Promise<string> {
  const pings = join(directory, 'pings');
  await run('gcc', ['-O2', '-static', '-o', pings, join(REPOSITORY, 'bench/pings.c')]);
  return pings;
}

/** A redis that runs, and an empty directory for its checkpoints. */
export interface BusyRedis extends Place {
  readonly pid: number;
}

/**
 * Fills redis, checkpoints it while a client pings it, and removes it.
 *
 * @param pings the program, which is in the root filesystem of the containers as well
 */
export async function measureStandstill(
  containers: RuncContainers,
  pings: string,
  checkpoint: LiveCheckpoint,
  work: StandstillWork,
): Promise<Standstill> {
  return await withBusyRedis(containers, pings, work, async ({ pid, ...place }) => {
    const {
      value: standstillMs,
      ms: checkpointMs,
      seen,
    } = await watched(pings, pid, () => checkpoint(containers, place));
    const { slowMs: standstillOutsideMs, longestMs: longestOutsideMs } = seen;
    const writesPerSecond = (seen.written * 1000) / checkpointMs;
    return { standstillMs, standstillOutsideMs, longestOutsideMs, checkpointMs, writesPerSecond };
  });
}

/** Fills a redis that `pings relay` serves, has it written to, and removes it when `use` has ended. */
export async function withBusyRedis<T>(
  containers: RuncContainers,
  pings: string,
  { mib, writes }: StandstillWork,
  use: (redis: BusyRedis) => Promise<T>,
): Promise<T> {
  const keys = Math.ceil((mib * 1024 * 1024) / VALUE_BYTES);
  const socket = ['--unixsocket', '/redis.sock'];
  const relay = ['/pings', 'relay', String(RELAY_PORT), String(keys), ...REDIS_COMMAND, ...socket];
  const id = await containers.bundle('redis', relay);
  const directory = join(containers.directory, `${id}-checkpoint`);
  await mkdir(directory);
  try {
    const pid = await containers.start(id);
    await fill(pid, mib);
    if (writes > 0) await run(pings, ['write', String(pid), String(RELAY_PORT), String(writes)]);
    return await use({ id, directory, pid });
  } finally {
    await containers.remove(id);
    await rm(directory, { recursive: true });
  }
}

/** What `pings watch` prints. */
export interface Seen {
  readonly longestMs: number;
  readonly slowMs: number;
  readonly written: number;
}

/** Does some work while a client pings; resolves with how long it took, and with what the client has seen. */
export async function watched<T>(
  pings: string,
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly ms: number; readonly seen: Seen }> {
  const child = spawn(pings, ['watch', String(pid), String(RELAY_PORT)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    child.stdout.setEncoding('utf8');
    let printed = '';
    child.stdout.on('data', (text: string) => (printed += text));
    await Promise.race([once(child.stdout, 'data'), ended]);
    const began = performance.now();
    const value = await work();
    const ms = performance.now() - began;
    child.stdin.end();
    await ended;
    return { value, ms, seen: JSON.parse(printed.replace('ready\n', '')) as Seen };
  } finally {
    child.kill('SIGKILL');
  }
}
