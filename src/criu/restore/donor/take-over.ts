// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../../../common/errors.js';
import { withStdioLinks, type StdioLinks } from '../../../common/runc-state.js';
import { readCgroup, readMountinfo, readStat } from '../../procfs/reader.js';
import { cgroupDirectories } from '../../resources/cgroups.js';
import type { Donor } from './donor.js';
import { waitReaped } from './reap.js';

/** Who takes over from whom. */
export interface TakeOver {
  readonly containerId: string;
  readonly bundle: string;
  readonly runcRoot: string;
  readonly donor: Donor;
  readonly initPid: number;
  /** Where its stdio leads: the donor's led nowhere. */
  readonly stdio: StdioLinks;
}

/**
 * Makes PID 1, which is in the donor's namespaces and cgroups, the container's init: the donor is killed,
 * and runc's state names PID 1. From then on, before the first await, runc sees an ordinary container.
 * Resolves when the donor's init has gone; its bundle is left.
 */
export async function takeOver(request: TakeOver): Promise<void> {
  const { donor, runcRoot, containerId } = request;
  const state = join(runcRoot, containerId);
  process.kill(donor.pid, 'SIGKILL'); // First, since its end takes a while.
  patchState(join(state, 'state.json'), request);
  rmSync(join(state, 'exec.fifo'), { force: true });
  await waitReaped(donor.pid);
}

/** Moves PID 1 into the donor's cgroups. The kernel lets each move wait for a grace period of RCU. */
export async function enterCgroups(donorPid: number, initPid: number): Promise<void> {
  const directories = cgroupDirectories(readCgroup(donorPid), readMountinfo(process.pid));
  await Promise.all(directories.map((directory) => enter(directory, initPid)));
}

async function enter(directory: string, initPid: number): Promise<void> {
  const file = join(directory, 'cgroup.procs');
  try {
    await writeFile(file, String(initPid));
  } catch (cause) {
    throw new ShimError('internal', `move the restored init to ${file}: ${String(cause)}`, {
      cause,
    });
  }
}

/**
 * Text, not JSON: numbers of 64 bits must stay what they are. Fields of libcontainer's State and its
 * Config, runc 1.1 to 1.3.
 */
function patchState(path: string, { donor, initPid, bundle, stdio }: TakeOver): void {
  const start = String(readStat(initPid).startTime);
  const before = withStdioLinks(readFileSync(path, 'utf8'), stdio);
  const after = before
    .replace(/"init_process_pid":\d+/, `"init_process_pid":${String(initPid)}`)
    .replace(/"init_process_start":\d+/, `"init_process_start":${start}`)
    .replaceAll(`"/proc/${String(donor.pid)}/ns/`, `"/proc/${String(initPid)}/ns/`)
    .replaceAll(JSON.stringify(`bundle=${donor.bundle}`), JSON.stringify(`bundle=${bundle}`));
  if (!after.includes(`"init_process_pid":${String(initPid)}`)) {
    throw new ShimError('internal', `patch ${path}: this runc's state is not understood`);
  }
  writeFileSync(`${path}.mvas`, after, { mode: 0o600 });
  renameSync(`${path}.mvas`, path);
}
