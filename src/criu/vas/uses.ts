// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ShimError } from '../../common/errors.js';
import type { HostPid, VasId } from '../../common/ids.js';
import { tryLock, tryShare } from '../../native/directory-lock.js';
import { closeFd } from '../../native/sys.js';
import { readChildren, readStat } from '../procfs/reader.js';
import { BY_KEEPER } from './command.js';
import { vasDirectory } from './directory.js';
import { noteUse } from './life-record.js';

const INOTIFY = 'anon_inode:inotify';

/** What a keeper does besides holding memory. */
export interface Uses {
  /** Containers restored from its VAS that live, and restores that are under way. */
  readonly clones: number;
  /** Whether it watches a file that has not been deleted. */
  readonly isWatching: boolean;
}

/** What the keeper of a VAS does; `holder` is its holder. Nothing if it has ended. */
export function usesOf(holder: HostPid): Uses {
  try {
    const keeper = readStat(holder).ppid;
    const children = readChildren(keeper).filter((pid) => pid !== holder && !isCommand(pid));
    return { clones: children.length, isWatching: isWatching(keeper) };
  } catch {
    return { clones: 0, isWatching: false };
  }
}

/** Whether a keeper has started this process itself. */
function isCommand(pid: HostPid): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/environ`, 'latin1').startsWith(`${BY_KEEPER}\0`);
  } catch {
    return true; // It has ended.
  }
}

function isWatching(keeper: HostPid): boolean {
  const folder = `/proc/${String(keeper)}/fd`;
  return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === INOTIFY);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // It has been closed.
  }
}

/**
 * Begins a use of a VAS: until it is closed, the VAS does not end by itself.
 *
 * @throws ShimError `failedPrecondition` if it is about to end
 */
export function beginUse(id: VasId): { close(): void } {
  const lock = attempt(() => tryShare(vasDirectory(id)));
  if (lock === undefined) {
    throw new ShimError('failedPrecondition', `VAS ${id} ends; remedy: take a new checkpoint`);
  }
  noteUse(id);
  return {
    close: () => {
      closeFd(lock);
    },
  };
}

/** Does something with a VAS while nobody begins to use it; undefined if somebody is about to. */
export async function whileUnused<T>(id: VasId, work: () => Promise<T>): Promise<T | undefined> {
  const lock = attempt(() => tryLock(vasDirectory(id)));
  if (lock === undefined) return undefined;
  try {
    return await work();
  } finally {
    closeFd(lock);
  }
}

/** undefined also if there is no such VAS any more. */
function attempt(lock: () => number | undefined): number | undefined {
  try {
    return lock();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
