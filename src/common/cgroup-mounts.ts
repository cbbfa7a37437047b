// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parseMountinfo, type MountInfo } from './procfs/mountinfo.js';

/** In the line of every cgroup mount: the type follows the separator (proc(5)). */
const CGROUP = ' - cgroup';

/** Parses the cgroup mounts in the text of /proc/PID/mountinfo, but not the hundreds of others that a node has. */
export function parseCgroupMounts(mountinfo: string): readonly MountInfo[] {
  const lines = mountinfo.split('\n').filter((line) => line.includes(CGROUP));
  return parseMountinfo(lines.join('\n'));
}

/** The cgroup mounts that this process sees. */
export function readCgroupMounts(): readonly MountInfo[] {
  return parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}
