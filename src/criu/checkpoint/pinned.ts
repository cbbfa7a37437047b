// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { Momentary } from '../retry.js';

/** Why the writes of processes cannot be tracked: they are the kernel's, to pages that it has pinned, and cause no page fault. */
export const PINNED = 'the kernel may write to buffers of an io_uring unseen';

/** Whether processes that run have an io_uring with registered buffers open, as far as one in use tells. */
export function hasPinned(pids: readonly HostPid[]): boolean {
  return ringsOf(pids).some((info) => /^UserBufs:\t[1-9]/m.test(info));
}

/**
 * Checks that the kernel writes to no page of processes that stand still: neither to registered buffers nor for requests that it has not
 * completed.
 *
 * @throws Momentary if it may
 */
export function checkUnpinned(pids: readonly HostPid[]): void {
  if (!ringsOf(pids).every(isIdle)) throw new Momentary('failedPrecondition', PINNED);
}

/** While an io_uring is in use, the kernel does not say what it has registered. */
function isIdle(info: string): boolean {
  const number = (key: string): string | undefined =>
    new RegExp(`^${key}:\t(\\d+)$`, 'm').exec(info)?.[1];
  return number('UserBufs') === '0' && number('CachedSqHead') === number('CachedCqTail');
}

/** What fdinfo says of the io_urings that are open. */
function ringsOf(pids: readonly HostPid[]): string[] {
  return pids.flatMap((pid) => namesIn(`/proc/${String(pid)}/fd`).flatMap((fd) => ringAt(pid, fd)));
}

function ringAt(pid: HostPid, fd: string): string[] {
  const process = `/proc/${String(pid)}`;
  try {
    if (readlinkSync(`${process}/fd/${fd}`) !== 'anon_inode:[io_uring]') return [];
    return [readFileSync(`${process}/fdinfo/${fd}`, 'utf8')];
  } catch {
    return []; // It has been closed.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // The process has ended.
  }
}
