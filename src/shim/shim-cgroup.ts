// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostPid } from '../common/ids.js';

const CGROUP_ROOT = '/sys/fs/cgroup';
/** Empty in a new cgroup of v1, which then accepts no process (ENOSPC; kernel cgroup-v1/cpusets.rst). */
const CPUSET_FILES = ['cpuset.cpus', 'cpuset.mems'];

/** Moves a daemon into a cgroup, in every hierarchy that has controllers of its own. */
export function joinCgroup(pid: HostPid, cgroup: string): void {
  const isUnified = existsSync(join(CGROUP_ROOT, 'cgroup.controllers'));
  const roots = isUnified
    ? [CGROUP_ROOT]
    : readdirSync(CGROUP_ROOT).map((name) => join(CGROUP_ROOT, name));
  for (const root of roots) {
    const directory = join(root, cgroup);
    mkdirSync(directory, { recursive: true });
    if (!isUnified) inheritCpuset(root, directory);
    writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  }
}

/** Copies the values of parents into a cgroup, and into those above it up to `root`, where they are empty. */
function inheritCpuset(root: string, directory: string): void {
  if (directory.length <= root.length) return;
  const files = CPUSET_FILES.map((name) => join(directory, name)).filter((path) => isEmpty(path));
  if (files.length === 0) return;
  const parent = dirname(directory);
  inheritCpuset(root, parent);
  for (const path of files) {
    writeFileSync(path, readFileSync(join(parent, path.slice(directory.length)), 'utf8'));
  }
}

/** Whether a file exists and is empty. */
function isEmpty(path: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').trim() === '';
}
