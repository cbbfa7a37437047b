// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { placesIn, type CgroupPlace } from '../../../common/cgroup-places.js';
import { parseCgroup } from '../../../common/procfs/cgroup.js';
import { parseMountinfo } from '../../../common/procfs/mountinfo.js';

const ONLINE = '/sys/devices/system/cpu/online';

/**
 * Processors that a process's cgroups allow it to use; a mask of all of these is not a wish of the process. Without
 * the cpuset controller, all that are online.
 */
export class UsableCpus {
  readonly #byCgroups = new Map<string, readonly number[]>();

  /** The same for the cgroups in the text of a /proc/PID/cgroup. */
  of(cgroups: string): readonly number[] {
    const known = this.#byCgroups.get(cgroups);
    if (known) return known;
    const cpus = cpusOf(cgroups);
    this.#byCgroups.set(cgroups, cpus);
    return cpus;
  }
}

function cpusOf(cgroups: string): readonly number[] {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  for (const path of cpusetFiles(cgroups, mountinfo)) {
    const cpus = readCpus(path);
    if (cpus.length > 0) return cpus;
  }
  return parseCpuList(readFileSync(ONLINE, 'utf8'));
}

/**
 * Files that may list the processors of a cgroup; the first one that exists counts: that of the v1 hierarchy, or of
 * the nearest cgroup of the unified hierarchy that has the controller. Pure.
 *
 * @param cgroups text of /proc/PID/cgroup
 * @param mountinfo text of /proc/self/mountinfo
 */
export function cpusetFiles(cgroups: string, mountinfo: string): string[] {
  const { v1, unified } = placesIn(parseCgroup(cgroups), parseMountinfo(mountinfo));
  const old = v1.get('cpuset');
  if (old) return [join(old.mount, old.path, 'cpuset.effective_cpus')];
  return upwards(unified).map((directory) => join(directory, 'cpuset.cpus.effective'));
}

/** A cgroup's directory, and those above it. */
function upwards(place: CgroupPlace | undefined): string[] {
  if (!place) return [];
  const directories: string[] = [];
  for (let path = place.path; path !== '/'; path = dirname(path)) {
    directories.push(join(place.mount, path));
  }
  return [...directories, place.mount];
}

function readCpus(path: string): number[] {
  try {
    return parseCpuList(readFileSync(path, 'utf8'));
  } catch {
    return []; // There is no such controller.
  }
}

/** Processors of a list such as `0-3,8`. */
export function parseCpuList(text: string): number[] {
  const ranges = text
    .trim()
    .split(',')
    .filter((range) => range !== '');
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
