// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logger } from '../../common/log.js';
import { readMountinfo } from '../procfs/reader.js';

const log = logger('vas');

/** Directory `mvas` in the memory hierarchy (v1), or in the unified one; undefined where neither is mounted. */
function parentDirectory(): string | undefined {
  const mounts = readMountinfo(process.pid);
  const memory = mounts.find(
    (mount) => mount.fsType === 'cgroup' && mount.superOptions.includes('memory'),
  );
  const unified = mounts.find((mount) => mount.fsType === 'cgroup2');
  const root = (memory ?? unified)?.mountPoint;
  return root === undefined ? undefined : join(root, 'mvas');
}

/**
 * Puts a VAS's processes into a cgroup of their own, `mvas/<id>`, where its memory is seen and limited.
 * Best effort: without it the memory counts where the shim's does.
 */
export function enterVasCgroup(id: string, pids: readonly number[]): void {
  const parent = parentDirectory();
  if (parent === undefined) return;
  try {
    const directory = join(parent, id);
    mkdirSync(directory, { recursive: true });
    for (const pid of pids) writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  } catch (error) {
    log.warn('the VAS has no cgroup of its own', { vas: id, error: String(error) });
  }
}

/**
 * Removes a VAS's cgroup. The keeper goes on in the parent while containers restored from the VAS live.
 */
export function leaveVasCgroup(id: string): void {
  const parent = parentDirectory();
  if (parent === undefined) return;
  const directory = join(parent, id);
  if (!existsSync(directory)) return;
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      rmdirSync(directory);
      return;
    } catch {
      moveUp(directory, parent);
    }
  }
  log.warn('the cgroup of a VAS stays: something still runs in it', { vas: id });
}

function moveUp(directory: string, parent: string): void {
  try {
    const pids = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    for (const pid of pids) writeFileSync(join(parent, 'cgroup.procs'), pid);
  } catch {
    // The process has exited meanwhile.
  }
}
