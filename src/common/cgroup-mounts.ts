// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parseMountinfo, type MountInfo } from './procfs/mountinfo.js';

/** In any line of a mount of cgroups: the type follows the separator (proc(5)). */
const CGROUP = ' - cgroup';

/** The mounts of cgroups in the text of /proc/PID/mountinfo; a node has hundreds of others, which are not parsed. */
export function parseCgroupMounts(mountinfo: string): readonly MountInfo[] {
  const lines = mountinfo.split('\n').filter((line) => line.includes(CGROUP));
  return parseMountinfo(lines.join('\n'));
}

/** The mounts of cgroups that this process sees. */
export function readCgroupMounts(): readonly MountInfo[] {
  return parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}
