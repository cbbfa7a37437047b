// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { Config } from '../../common/config.js';
import { ShimError } from '../../common/errors.js';
import { runMvas } from './command.js';
import { listIds } from './directory.js';
import { readRecord } from './store.js';
import { takenBy } from './taken.js';

const MIB = 2 ** 20;

/** There is no room for the memory of a checkpoint: the kernel would have to kill for it, or a budget is used up. */
export class NoRoom extends ShimError {
  /** How much has to go; undefined if that is not ours to decide. */
  readonly missing: number | undefined;

  constructor(message: string, missing: number | undefined) {
    super('resourceExhausted', message);
    this.missing = missing;
  }
}

/** Memory of this host, in bytes; pure facts of /proc/meminfo. */
export interface HostMemory {
  readonly total: number;
  /** What can be had without swapping, and what can be swapped. */
  readonly available: number;
  /** All else: nothing can have more memory that is worth a copy. */
  readonly unavailable: number;
}

/** Parses /proc/meminfo. Pure. */
export function parseMeminfo(text: string): HostMemory {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  const total = field('MemTotal');
  const available = field('MemAvailable') + field('SwapFree');
  return { total, available, unavailable: total + field('SwapTotal') - available };
}

/** What the budget of this host leaves, as looked up before a container stands still. */
export interface Budget {
  /** Bytes that all VASes together may take; undefined: no limit. */
  readonly limit: number | undefined;
  /** What the present ones take. */
  readonly used: number;
  /** Bytes that have to stay available. */
  readonly reserve: number;
}

/** The budget of this host, and what of it is used. */
export function readBudget({ budget: { memory, share, reserve } }: Config): Budget {
  const { total } = hostMemory();
  const limits = [memory, share === undefined ? undefined : share * total];
  const given = limits.filter((one) => one !== undefined);
  const limit = given.length === 0 ? undefined : Math.floor(Math.min(...given));
  return { limit, used: limit === undefined ? 0 : usedBytes(), reserve: reserve * total };
}

/** What the VASes of this host take, as their records say. */
function usedBytes(): number {
  const holdings = listIds().flatMap((id) => {
    try {
      return [readRecord(id)];
    } catch {
      return []; // It is being made.
    }
  });
  return takenBy(holdings);
}

/**
 * Checks that there is room for a checkpoint's bytes, which are added up only if that matters: a container stands still
 * meanwhile. `isCopied`: whether they are taken from what is available, in contrast to what the kernel duplicates.
 *
 * @throws NoRoom
 */
export function checkRoom(
  { limit, used, reserve }: Budget,
  sum: () => number,
  { isCopied, memory = hostMemory() }: { readonly isCopied: boolean; readonly memory?: HostMemory },
): void {
  if (limit === undefined && (!isCopied || memory.unavailable + reserve <= memory.available))
    return;
  const bytes = sum();
  const remedy = 'remedy: remove VASes (mvas ls, mvas rm, mvas prune)';
  const over = limit === undefined ? 0 : used + bytes - limit;
  if (limit !== undefined && over > 0) {
    const message =
      `the VASes of this host have ${words(used)}, this checkpoint takes ${words(bytes)}, and the budget is ` +
      `${words(limit)}; ${remedy}, or raise the budget`;
    throw new NoRoom(message, bytes > limit ? undefined : over);
  }
  const short = isCopied ? bytes + reserve - memory.available : 0;
  if (short <= 0) return;
  const message =
    `this checkpoint takes ${words(bytes)}, and of ${words(memory.available)} that are available on this host ` +
    `${words(reserve)} have to be left; ${remedy}, or free memory`;
  throw new NoRoom(message, limit === undefined ? undefined : short);
}

/**
 * Has VASes removed that nobody uses, the one first that has not been used for the longest time.
 *
 * @throws the error itself if that is not to be, or not enough of them can go
 */
export async function makeRoom(error: NoRoom, signal?: AbortSignal): Promise<void> {
  if (error.missing === undefined) throw error;
  try {
    await runMvas(['expire', '--room', String(Math.ceil(error.missing))], signal);
  } catch (cause) {
    const why = ShimError.from(cause).message;
    throw new ShimError('resourceExhausted', `${error.message} (${why})`, { cause });
  }
}

function hostMemory(): HostMemory {
  return parseMeminfo(readFileSync('/proc/meminfo', 'latin1'));
}

function words(bytes: number): string {
  return `${String(Math.ceil(bytes / MIB))} MiB`;
}
