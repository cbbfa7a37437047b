// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readlinkSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import type { StdioLinks } from '../../../common/runtime-state.js';
import { syscall } from '../../../native/index.js';
import { errnoError, SYS } from '../../../native/sys.js';
import type { HostPid } from '../../../common/ids.js';
import type { FileEntry } from '../../image/types.js';
import { readIdMaps, readStatus } from '../../procfs/reader.js';

/** Descriptors of ours that become a container's stdio; null for those created in the container. */
export type NewStdio = readonly [number | null, number | null, number | null];

const { EINVAL, EPERM, EROFS } = constants.errno;
/** Errors that do not keep runc from starting a container: a user who cannot be given a file does without it. */
const TOLERATED: ReadonlySet<number> = new Set([-EINVAL, -EPERM, -EROFS]);
/** Of fchown(2). */
const UNCHANGED = -1;
const NULL_DEVICE = '/dev/null';

/**
 * Gives new stdio to the user of a container, as runc does when it starts one: to its user, not to
 * its group, and nothing that leads to /dev/null. runc has not seen these descriptors. A pipe that
 * replaces a pipe gets the owner and mode that the container had given the old one.
 */
export function giveStdio(stdio: NewStdio, donorPid: HostPid, files: readonly FileEntry[]): void {
  const uid = readStatus(donorPid).uid.effective;
  const { users, groups } = readIdMaps(donorPid);
  const nullDevice = statSync(NULL_DEVICE).rdev;
  for (const fd of stdio.filter((one) => one !== null)) {
    const stat = fstatSync(fd);
    if (stat.uid !== uid && stat.rdev !== nullDevice) change(SYS.fchown, fd, uid, stat.gid);
  }
  // Afterwards, since several of them may be the same pipe.
  for (const { mvas_stdio: which, pipe } of files) {
    const fd = which === undefined ? undefined : stdio[which];
    if (!pipe || typeof fd !== 'number' || !linkOf(fd).startsWith('pipe:')) continue;
    const { mvas_uid: owner, mvas_gid: group, mvas_mode: mode } = pipe;
    if (mode === undefined) continue;
    // An id that the user namespace does not have is not the container's doing.
    const user = owner === undefined ? UNCHANGED : users.toOutside(owner);
    change(SYS.fchown, fd, user, group === undefined ? UNCHANGED : groups.toOutside(group));
    change(SYS.fchmod, fd, mode & 0o7777);
  }
}

/** Where stdio leads; for runc's state. */
export function linksOf([stdin, stdout, stderr]: NewStdio): StdioLinks {
  return [linkOf(stdin), linkOf(stdout), linkOf(stderr)];
}

function linkOf(fd: number | null): string {
  return fd === null ? NULL_DEVICE : readlinkSync(`/proc/self/fd/${String(fd)}`);
}

function change(nr: number, fd: number, ...args: readonly number[]): void {
  const result = syscall(nr, fd, ...args);
  if (result >= 0 || TOLERATED.has(result)) return;
  throw errnoError(`give ${linkOf(fd)} to the container's user`, result);
}
