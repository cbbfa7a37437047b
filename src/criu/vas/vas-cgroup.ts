// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type HostPid, ownPid, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { readMountinfo } from '../procfs/reader.js';

const log = logger('vas');

const EMPTY_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

/** Directory `mvas` in the memory hierarchy (v1), or in the unified one; undefined if neither is mounted. */
export function parentDirectory(): string | undefined {
  const mounts = readMountinfo(ownPid());
  const memory = mounts.find(
    (mount) => mount.fsType === 'cgroup' && mount.superOptions.includes('memory'),
  );
  const unified = mounts.find((mount) => mount.fsType === 'cgroup2');
  const root = (memory ?? unified)?.mountPoint;
  return root === undefined ? undefined : join(root, 'mvas');
}

/** The smaller of a VAS's own limit and MVAS_VAS_MEMORY_LIMIT, in bytes; empty if there is none. */
export function memoryLimitOf(own: number | undefined): string {
  const host = process.env['MVAS_VAS_MEMORY_LIMIT'] ?? '';
  const isOwn = own !== undefined && !(Number(host) < own && host !== '');
  return isOwn ? String(own) : host;
}

/**
 * Limits all memory of a VAS to the smaller of `own` and MVAS_VAS_MEMORY_LIMIT, in bytes. A checkpoint that needs
 * more fails with `resourceExhausted`.
 *
 * @throws ShimError `failedPrecondition` if the limit cannot be set: it must not be ignored
 */
function limitMemory(directory: string, own: number | undefined): void {
  const limit = memoryLimitOf(own);
  if (limit === '') return;
  const file = existsSync(join(directory, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes';
  try {
    writeFileSync(join(directory, file), limit);
  } catch (cause) {
    const message = `limit the memory of a VAS to ${limit} bytes: ${String(cause)}`;
    throw new ShimError('failedPrecondition', message, { cause });
  }
}

/**
 * Puts a VAS's processes into a cgroup of their own, `mvas/<id>`, where its memory is accounted and limited. Best
 * effort: without it, the memory is accounted to the shim's cgroup.
 */
export function enterVasCgroup(
  id: VasId,
  pids: readonly HostPid[],
  memoryLimit: number | undefined,
): void {
  const parent = parentDirectory();
  if (parent === undefined) return;
  try {
    const directory = join(parent, id);
    mkdirSync(directory, { recursive: true });
    limitMemory(directory, memoryLimit);
    for (const pid of pids) writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  } catch (error) {
    if (error instanceof ShimError) throw error;
    log.warn('the VAS has no cgroup of its own', { vas: id, error: String(error) });
  }
}

/**
 * Limits the memory of a VAS that has been made without a limit of its own; bytes.
 *
 * @throws ShimError `failedPrecondition` if the limit cannot be set
 */
export function limitVas(id: VasId, memoryLimit: number): void {
  const parent = parentDirectory();
  if (parent !== undefined) limitMemory(join(parent, id), memoryLimit);
}

/** Removes a VAS's cgroup. The keeper continues in the parent while containers restored from the VAS live. */
export async function leaveVasCgroup(id: VasId): Promise<void> {
  const parent = parentDirectory();
  if (parent === undefined) return;
  const directory = join(parent, id);
  if (!existsSync(directory)) return;
  // A holder takes a while to give its memory back.
  const end = performance.now() + EMPTY_TIMEOUT_MS;
  while (performance.now() < end) {
    try {
      rmdirSync(directory);
      return;
    } catch {
      moveUp(directory, parent);
      await delay(POLL_MS);
    }
  }
  log.warn('the cgroup of a VAS stays: something still runs in it', { vas: id });
}

function moveUp(directory: string, parent: string): void {
  try {
    const pids = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    for (const pid of pids) moveProcess(pid, parent);
  } catch {
    // The cgroup is gone meanwhile.
  }
}

function moveProcess(pid: string, directory: string): void {
  try {
    writeFileSync(join(directory, 'cgroup.procs'), pid);
  } catch {
    // The process has exited meanwhile.
  }
}
