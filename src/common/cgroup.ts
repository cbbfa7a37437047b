// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { directoryOf, placesIn } from './cgroup-places.js';
import { ShimError } from './errors.js';

const FREEZE_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 2_000;
const POLL_MS = 1;
/** Most cgroups are frozen at the first look; some ten more mean that one waits for another. */
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
 * @returns undefined for the root cgroup, which is nobody's to freeze
 */
export function locateCgroup(cgroups: string, mountinfo: string): Cgroup | undefined {
  const { v1, unified } = placesIn(cgroups, mountinfo);
  const freezer = v1.get('freezer');
  const directory = directoryOf(freezer ?? unified);
  return directory === undefined ? undefined : { directory, version: freezer ? 1 : 2 };
}

/** The cgroup of a live process; undefined when it has gone or sits in the root or in our own cgroup. */
export function cgroupOf(pid: number): Cgroup | undefined {
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
export function pidsIn(cgroup: Cgroup): number[] {
  return directoriesOf(cgroup.directory).flatMap((directory) => {
    try {
      const text = readFileSync(join(directory, 'cgroup.procs'), 'utf8');
      return text.split('\n').filter(Boolean).map(Number);
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
 * On v1 a process in execve(2) that waits for a thread of its own never freezes once that thread is
 * frozen (fs/exec.c, de_thread): such a cgroup has to be let go for a moment, and asked again.
 *
 * @throws ShimError `deadlineExceeded`
 */
export async function freeze(cgroup: Cgroup): Promise<void> {
  const end = performance.now() + FREEZE_TIMEOUT_MS;
  write(cgroup, 'freeze');
  for (let looks = 1; !isFrozen(cgroup); looks += 1) {
    if (performance.now() > end) {
      write(cgroup, 'thaw');
      throw new ShimError(
        'deadlineExceeded',
        `freeze ${cgroup.directory}: not frozen after ${FREEZE_TIMEOUT_MS} ms`,
      );
    }
    const isStuck = cgroup.version === 1 && looks % LOOKS_BEFORE_THAW === 0;
    if (isStuck) write(cgroup, 'thaw');
    await delay(POLL_MS);
    // A v1 freezer can hang on FREEZING until asked once more (kernel cgroup-v1/freezer-subsystem.rst).
    if (cgroup.version === 1) write(cgroup, 'freeze');
  }
}

/** Lets a cgroup's processes run again. */
export function thaw(cgroup: Cgroup): void {
  write(cgroup, 'thaw');
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

/** Sends a signal to every process of a cgroup; frozen for the moment, so that none forks away. */
export async function signalAll(cgroup: Cgroup, signal: number): Promise<void> {
  const wasFrozen = isFrozen(cgroup);
  if (!wasFrozen) await freeze(cgroup);
  for (const pid of pidsIn(cgroup)) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already.
    }
  }
  if (!wasFrozen || signal === 9) thaw(cgroup);
}

/** Kills every process of a cgroup and waits, for a short time, until they have gone. */
export async function killAll(cgroup: Cgroup): Promise<void> {
  const end = performance.now() + KILL_TIMEOUT_MS;
  while (pidsIn(cgroup).length > 0 && performance.now() < end) {
    await signalAll(cgroup, 9);
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
    const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ShimError(
      gone ? 'notFound' : 'unknown',
      `${action} ${cgroup.directory}: ${String(cause)}`,
      { cause },
    );
  }
}
