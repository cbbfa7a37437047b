// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { parseCgroupMounts } from '../../common/cgroup-mounts.js';
import { directoryOf, placesIn } from '../../common/cgroup-places.js';
import { parseCgroup } from '../../common/procfs/cgroup.js';

/** Where the figures of a container are: its cgroup in each hierarchy (cgroups(7)). */
export type ContainerCgroup =
  | {
      readonly version: 1;
      /** Directories by controller. */
      readonly directories: ReadonlyMap<string, string>;
    }
  | { readonly version: 2; readonly directory: string };

/** Controllers whose mount makes a host one of cgroup v1. */
const V1_CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct', 'blkio', 'hugetlb'];

/**
 * Finds a process's cgroup. Pure.
 *
 * @param cgroups text of /proc/PID/cgroup
 * @param mountinfo text of /proc/self/mountinfo
 * @returns undefined if the process is only in root cgroups
 */
export function locateContainerCgroup(
  cgroups: string,
  mountinfo: string,
): ContainerCgroup | undefined {
  const { v1, unified } = placesIn(parseCgroup(cgroups), parseCgroupMounts(mountinfo));
  const directories = new Map<string, string>();
  for (const controller of V1_CONTROLLERS) {
    const directory = directoryOf(v1.get(controller));
    if (directory !== undefined) directories.set(controller, directory);
  }
  if (directories.size > 0) return { version: 1, directories };
  const directory = directoryOf(unified);
  return directory === undefined ? undefined : { version: 2, directory };
}

/** The cgroup of a live process; undefined if it has exited or has none of its own. */
export function containerCgroupOf(pid: HostPid): ContainerCgroup | undefined {
  try {
    const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
    return locateContainerCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), mountinfo);
  } catch {
    return undefined; // The process has exited.
  }
}

/** Whether any part of a cgroup still exists. */
export function cgroupExists(cgroup: ContainerCgroup): boolean {
  if (cgroup.version === 2) return existsSync(cgroup.directory);
  return [...cgroup.directories.values()].some((directory) => existsSync(directory));
}
