// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { processLabel } from '../../label.js';
import { readStatus } from '../../procfs/reader.js';
import { containerPid } from '../../procfs/status.js';
import type { MappedArea } from '../memory-map.js';
import { readRunningMap, type ReadMap } from './read-map.js';

/** A process as it was while it ran. All of it may have changed since. */
export interface RunningProcess extends ReadMap {
  readonly parent: HostPid;
  /** Bytes of anonymous memory that it has in memory. */
  readonly resident: number;
}

/**
 * Looks at processes that run. Those that have ended are left out.
 *
 * @throws ShimError `failedPrecondition` for memory that cannot be restored
 */
export function lookAtRunning(pids: readonly HostPid[]): RunningProcess[] {
  return pids.flatMap((pid) => ifAlive(pid, () => lookAt(pid)) ?? []);
}

/** What a read of a process tells; undefined where it fails because the process has ended. */
function ifAlive<T>(pid: HostPid, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAlive(pid)) throw error;
    return undefined;
  }
}

function lookAt(pid: HostPid): RunningProcess | undefined {
  const status = readStatus(pid);
  if (status.state === 'Z') return undefined;
  const nsPid = containerPid(status);
  const process = { pid, nsPid, label: processLabel(nsPid, status.name) };
  const { ppid: parent, rssAnon: resident } = status;
  const read = readRunningMap(process);
  const map = { ...read.map, areas: apart(read.map.areas) };
  return { ...read, map, parent, resident };
}

/** Areas that do not overlap: one that grows towards another while they are read may be told of twice. */
function apart(areas: readonly MappedArea[]): MappedArea[] {
  let end = 0n;
  return areas.filter((area) => {
    if (area.start < end) return false;
    ({ end } = area);
    return true;
  });
}

function isAlive(pid: HostPid): boolean {
  try {
    return readStatus(pid).state !== 'Z';
  } catch {
    return false;
  }
}
