// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { syscall } from '../../native/index.js';
import { errnoName, SYS } from '../../native/sys.js';
import { readLimits, readMaps, readThreadFile } from '../procfs/reader.js';
import { RESOURCES, RLIM_INFINITY, type ResourceLimit } from '../procfs/limits.js';

const ENOMEM = -12n;
const EAGAIN = -11n;

/** A limit of an address space, what it counts in /proc/PID/status, and what a call then returns. */
const BOUNDS = [
  { name: 'RLIMIT_AS', resource: 'as', field: 'VmSize', errno: ENOMEM },
  { name: 'RLIMIT_DATA', resource: 'data', field: 'VmData', errno: ENOMEM },
  { name: 'RLIMIT_MEMLOCK', resource: 'memlock', field: 'VmLck', errno: EAGAIN },
] as const;

/** A limit that a process has reached. */
interface Reached extends ResourceLimit {
  readonly name: string;
  readonly used: bigint;
}

/**
 * Has a process map memory. If one of its own limits forbids that, the limit is raised for the call, by prlimit(2)
 * from outside: what is mapped stays when the limit is back.
 *
 * @param map makes the call, and returns its result
 */
export async function mapWithinLimits(
  pid: HostPid,
  size: number,
  map: () => Promise<bigint>,
): Promise<bigint> {
  const result = await map();
  const limits = reachedLimits(pid, size, result);
  if (limits.length === 0) return result;
  try {
    for (const { resource, hard } of limits) {
      // Beyond the hard limit only with CAP_SYS_RESOURCE.
      const isOff = setLimit(pid, resource, RLIM_INFINITY, RLIM_INFINITY);
      if (!isOff && !setLimit(pid, resource, hard, hard)) return result;
    }
    return await map();
  } finally {
    for (const { resource, soft, hard } of limits) setLimit(pid, resource, soft, hard);
  }
}

/** Why a process could not map memory: the limit that is in the way, and its value. */
export function whyNotMapped(pid: HostPid, size: number, result: bigint): string {
  const why = errnoName(Number(result));
  const [limit] = reachedLimits(pid, size, result);
  if (limit) {
    const { name, soft, used } = limit;
    const numbers = `${String(soft)} bytes, of which ${String(used)} are in use`;
    return `${why}, its limit ${name} is ${numbers}; remedy: raise that (prlimit --pid)`;
  }
  const maps = readMaps(pid).length;
  const most = maxMapCount();
  if (result !== ENOMEM || maps + 3 < most) return why;
  return `${why}, it has ${String(maps)} mappings, and the host's limit vm.max_map_count is ${String(most)}; remedy: raise that`;
}

/** How many mappings the host permits a process to have. */
export function maxMapCount(): number {
  return Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
}

function reachedLimits(pid: HostPid, size: number, result: bigint): Reached[] {
  const bounds = BOUNDS.filter(({ errno }) => errno === result);
  if (bounds.length === 0) return [];
  const status = readThreadFile(pid, pid, 'status');
  const limits = readLimits(pid);
  return bounds.flatMap(({ name, resource, field }) => {
    const limit = limits[RESOURCES.indexOf(resource)];
    const [, kib = '0'] = new RegExp(`^${field}:\\s+([0-9]+) kB$`, 'm').exec(status) ?? [];
    const used = BigInt(kib) * 1024n;
    return limit && used + BigInt(size) > limit.soft ? [{ ...limit, name, used }] : [];
  });
}

/** Whether it could be set. */
function setLimit(
  pid: HostPid,
  resource: ResourceLimit['resource'],
  soft: bigint,
  hard: bigint,
): boolean {
  const limit = BigUint64Array.of(soft, hard);
  return syscall(SYS.prlimit64, pid, RESOURCES.indexOf(resource), limit, null) === 0;
}
