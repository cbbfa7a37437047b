// SPDX-License-Identifier: Apache-2.0
import { assertInvariant, ShimError } from '../../../common/errors.js';
import type { HostPid, NsPid } from '../../../common/ids.js';
import type { FoundObject } from '../memory-map.js';
import type { Range } from '../ranges.js';

/** A process whose memory is read. */
export interface LiveProcess {
  readonly pid: HostPid;
  readonly nsPid: NsPid;
  /** The process's name in messages: `pid 7 (nginx)`. */
  readonly label: string;
}

/** Host pids of processes, by container pid. */
export function hostPids(processes: readonly LiveProcess[]): (pid: NsPid) => HostPid {
  const byNsPid = new Map(processes.map(({ pid, nsPid }) => [nsPid, pid]));
  return (nsPid) => byNsPid.get(nsPid) ?? fail(nsPid);
}

function fail(nsPid: NsPid): never {
  throw new ShimError('internal', `pid ${String(nsPid)} has no memory to take`);
}

/** A link to what a process maps at an area, whether it has a name or not. */
export function mappedLink(pid: HostPid, { start, end }: Range): string {
  return `/proc/${String(pid)}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

/** A path of the file that a shared object is. */
export function objectPath({ mapping, file }: FoundObject, pidOf: (pid: NsPid) => HostPid): string {
  const path = mapping ? mappedLink(pidOf(mapping.pid), mapping) : file?.path;
  assertInvariant(path !== undefined, 'shared memory that nobody maps has a path');
  return path;
}
