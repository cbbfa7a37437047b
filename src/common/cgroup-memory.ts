// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { placesIn } from './cgroup-places.js';
import { parseCgroup } from './procfs/cgroup.js';
import { parseMountinfo } from './procfs/mountinfo.js';

/** How much memory a cgroup leaves to the processes in it and below. */
export interface MemoryRoom {
  readonly directory: string;
  /** Bytes; Infinity if there is no limit. */
  readonly limit: number;
  /** Bytes that can still be charged before the OOM killer acts: includes page cache and free swap. */
  readonly room: number;
}

/** Names of the files of a hierarchy. */
interface Files {
  readonly limit: string;
  readonly usage: string;
  readonly cache: readonly string[];
  readonly swapLimit: string;
  readonly swapUsage: string;
}

const V1: Files = {
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  cache: ['total_inactive_file', 'total_active_file'],
  // Memory and swap together.
  swapLimit: 'memory.memsw.limit_in_bytes',
  swapUsage: 'memory.memsw.usage_in_bytes',
};
const V2: Files = {
  limit: 'memory.max',
  usage: 'memory.current',
  cache: ['inactive_file', 'active_file'],
  swapLimit: 'memory.swap.max',
  swapUsage: 'memory.swap.current',
};

/** The memory cgroup of a process and those above it, except for the root. */
export function memoryCgroupsOf(cgroups: string, mountinfo: string): readonly string[] {
  const { v1, unified } = placesIn(parseCgroup(cgroups), parseMountinfo(mountinfo));
  const place = v1.get('memory') ?? unified;
  const directories: string[] = [];
  for (let path = place?.path ?? '/'; path !== '/'; path = dirname(path)) {
    directories.push(join(place?.mount ?? '', path));
  }
  return directories;
}

/** Reads how much memory a cgroup leaves; Infinity if it has no limit. */
export function readMemoryRoom(directory: string): MemoryRoom {
  const isV1 = numberIn(directory, V1.usage) !== undefined;
  const files = isV1 ? V1 : V2;
  const limit = numberIn(directory, files.limit) ?? Infinity;
  if (limit >= Number.MAX_SAFE_INTEGER) return { directory, limit: Infinity, room: Infinity };
  const cache = cacheIn(textIn(directory, 'memory.stat'), files.cache);
  const usage = numberIn(directory, files.usage) ?? 0;
  const swapLimit = numberIn(directory, files.swapLimit) ?? Infinity;
  const swap = swapLimit - (numberIn(directory, files.swapUsage) ?? 0);
  const room = limit - usage + cache + Math.min(freeSwap(), Math.max(swap, 0));
  return { directory, limit, room: isV1 ? Math.min(room, swap + cache) : room };
}

function cacheIn(stat: string, names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const [, value = '0'] = new RegExp(`^${name} (\\d+)$`, 'm').exec(stat) ?? [];
    return sum + Number(value);
  }, 0);
}

function freeSwap(): number {
  const [, kilobytes = '0'] = /^SwapFree: +(\d+) kB$/m.exec(textIn('/proc', 'meminfo')) ?? [];
  return Number(kilobytes) * 1024;
}

/** undefined if there is no such file, and for `max`. */
function numberIn(directory: string, file: string): number | undefined {
  const text = textIn(directory, file).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function textIn(directory: string, file: string): string {
  try {
    return readFileSync(join(directory, file), 'utf8');
  } catch {
    return '';
  }
}
