// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asHostPid, type HostPid } from './ids.js';
import { parseCgroupMounts } from './cgroup-mounts.js';
import { directoryOf, placesIn } from './cgroup-places.js';
import { parseCgroup } from './procfs/cgroup.js';
import { ShimError } from './errors.js';

const FREEZE_TIMEOUT_MS = 10_000;
/** How long a signal waits for the freeze. */
const SIGNAL_FREEZE_MS = 500;
const KILL_TIMEOUT_MS = 2_000;
const SIGKILL = 9;
const POLL_MS = 1;
/** Most cgroups are frozen at the first look; this many mean that one thread waits for another. */
const LOOKS_BEFORE_THAW = 30;

/** Where a container's processes are listed, frozen and killed: one cgroup directory. */
export interface Cgroup {
  readonly directory: string;
  /** The v1 freezer hierarchy, or the unified one. */
  readonly version: 1 | 2;
}

/**
 * Finds the freezer cgroup of a process (cgroups(7)): that of the v1 freezer hierarchy where it is
 * mounted, the unified one otherwise. Pure.
 *
 * @param cgroups text of /proc/PID/cgroup
 * @param mountinfo text of /proc/self/mountinfo
 * @returns undefined for the root cgroup, which must not be frozen
 */
export function locateCgroup(cgroups: string, mountinfo: string): Cgroup | undefined {
  const { v1, unified } = placesIn(parseCgroup(cgroups), parseCgroupMounts(mountinfo));
  const freezer = v1.get('freezer');
  const directory = directoryOf(freezer ?? unified);
  return directory === undefined ? undefined : { directory, version: freezer ? 1 : 2 };
}

/** The cgroup of a live process; undefined when it has gone or sits in the root or in our own cgroup. */
export function cgroupOf(pid: HostPid): Cgroup | undefined {
  try {
    const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
    const found = locateCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), mountinfo);
    const ours = locateCgroup(readFileSync('/proc/self/cgroup', 'utf8'), mountinfo);
    return found?.directory === ours?.directory ? undefined : found;
  } catch {
    return undefined; // The process has exited.
  }
}

/** All pids in a cgroup and those below it; empty when it is gone. */
export function pidsIn(cgroup: Cgroup): HostPid[] {
  return directoriesOf(cgroup.directory).flatMap((directory) => {
    try {
      const text = readFileSync(join(directory, 'cgroup.procs'), 'utf8');
      return text
        .split('\n')
        .filter(Boolean)
        .map((pid) => asHostPid(Number(pid)));
    } catch {
      return []; // Removed meanwhile.
    }
  });
}

/** A cgroup and all below it, parents first; empty when it is gone. */
export function directoriesOf(directory: string): string[] {
  try {
    const below = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => directoriesOf(join(directory, entry.name)));
    return [directory, ...below];
  } catch {
    return [];
  }
}

/**
 * Freezes a cgroup and waits until nothing in it runs.
 *
 * @param isInVain asked during the wait: whether to thaw it instead, as processes that are to die need
 * @throws ShimError `deadlineExceeded`
 */
export async function freeze(cgroup: Cgroup, isInVain: () => boolean = () => false): Promise<void> {
  if ((await tryFreeze(cgroup, FREEZE_TIMEOUT_MS, isInVain)) && !isInVain()) return;
  thaw(cgroup);
  if (isInVain()) return;
  throw new ShimError(
    'deadlineExceeded',
    `freeze ${cgroup.directory}: not frozen after ${FREEZE_TIMEOUT_MS} ms`,
  );
}

/**
 * Returns whether everything froze in time; if not, the caller thaws it.
 *
 * On v1 a process in execve(2) that waits for a thread of its own never freezes once that thread is
 * frozen (fs/exec.c, de_thread): such a cgroup has to be thawed for a moment and frozen again.
 */
async function tryFreeze(
  cgroup: Cgroup,
  timeoutMs: number,
  isInVain: () => boolean = () => false,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  write(cgroup, 'freeze');
  for (let looks = 1; !isFrozen(cgroup); looks += 1) {
    if (performance.now() > end || isInVain()) return false;
    const isStuck = cgroup.version === 1 && looks % LOOKS_BEFORE_THAW === 0;
    if (isStuck) write(cgroup, 'thaw');
    await delay(POLL_MS);
    // A v1 freezer can stay FREEZING until it is asked again (kernel cgroup-v1/freezer-subsystem.rst).
    if (cgroup.version === 1) write(cgroup, 'freeze');
  }
  return true;
}

/** Lets a cgroup's processes run again; one that is gone has none. */
export function thaw(cgroup: Cgroup): void {
  try {
    write(cgroup, 'thaw');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Whether everything in a cgroup stands still. */
export function isFrozen(cgroup: Cgroup): boolean {
  try {
    if (cgroup.version === 1) {
      return readFileSync(join(cgroup.directory, 'freezer.state'), 'utf8').trim() === 'FROZEN';
    }
    return /^frozen 1$/m.test(readFileSync(join(cgroup.directory, 'cgroup.events'), 'utf8'));
  } catch (cause) {
    throw new ShimError('notFound', `read the frozen state of ${cgroup.directory}`, { cause });
  }
}

/**
 * Sends a signal to every process of a cgroup. Freezes it meanwhile, if that takes only a short time, so
 * that no fork escapes. A process that does not freeze gets its signal all the same.
 *
 * @param staysFrozen asked at the end: whether somebody else wants it frozen by now; ignored for SIGKILL
 */
export async function signalAll(
  cgroup: Cgroup,
  signal: number,
  staysFrozen: () => boolean = () => false,
): Promise<void> {
  const wasFrozen = await freezeToSignal(cgroup);
  for (const pid of pidsIn(cgroup)) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already.
    }
  }
  if (signal === SIGKILL || !(wasFrozen || staysFrozen())) thaw(cgroup);
}

/** Returns whether it was frozen before. Never throws: what cannot be frozen is signalled as it is. */
async function freezeToSignal(cgroup: Cgroup): Promise<boolean> {
  try {
    if (isFrozen(cgroup)) return true;
    await tryFreeze(cgroup, SIGNAL_FREEZE_MS);
  } catch {
    // It is gone with all its processes, or its file cannot be written.
  }
  return false;
}

/** Kills every process of a cgroup and waits, for a short time, until they have gone. */
export async function killAll(cgroup: Cgroup, timeoutMs = KILL_TIMEOUT_MS): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (pidsIn(cgroup).length > 0 && performance.now() < end) {
    await signalAll(cgroup, SIGKILL);
    await delay(POLL_MS);
  }
}

function write(cgroup: Cgroup, action: 'freeze' | 'thaw'): void {
  const isFreeze = action === 'freeze';
  const [file, value] =
    cgroup.version === 1
      ? ['freezer.state', isFreeze ? 'FROZEN' : 'THAWED']
      : ['cgroup.freeze', isFreeze ? '1' : '0'];
  try {
    writeFileSync(join(cgroup.directory, file), value);
  } catch (cause) {
    throw new ShimError(
      isGone(cause) ? 'notFound' : 'unknown',
      `${action} ${cgroup.directory}: ${String(cause)}`,
      { cause },
    );
  }
}

/** Whether an error says that the cgroup has been removed (ENODEV: between open and write). */
function isGone(error: unknown): boolean {
  if (error instanceof ShimError) return error.kind === 'notFound';
  const { code = '' } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}
