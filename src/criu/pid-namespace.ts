// SPDX-License-Identifier: Apache-2.0
import { readdirSync, statSync } from 'node:fs';
import { asHostPid, asNsTid, type HostPid, INIT, type NsTid } from '../common/ids.js';
import { listThreads, readNamespace, readStatus } from './procfs/reader.js';
import { containerPid, containerTid, type ProcStatus } from './procfs/status.js';

/** Finds out who else is in the pid namespace of a container's init. Looks at the host, and keeps what it has seen. */
export class PidNamespace {
  readonly #initPid: HostPid;
  readonly #name: string;
  readonly #firsts = new Map<HostPid, boolean>();

  constructor(initPid: HostPid) {
    this.#initPid = initPid;
    this.#name = readNamespace(initPid, 'pid');
  }

  /** Whether a process is in it; false for one that is gone. */
  has(pid: HostPid): boolean {
    try {
      return readNamespace(pid, 'pid') === this.#name;
    } catch {
      return false;
    }
  }

  /** Whether a process is its PID 1 and not the container's init. Whoever loses its parent in there becomes a child of that. */
  isAdopter(pid: HostPid): boolean {
    const known = this.#firsts.get(pid);
    if (known !== undefined) return known;
    const isFirst = pid !== 0 && pid !== this.#initPid && this.has(pid) && isProcessOne(pid);
    this.#firsts.set(pid, isFirst);
    return isFirst;
  }
}

function isProcessOne(pid: HostPid): boolean {
  try {
    return containerPid(readStatus(pid)) === INIT;
  } catch {
    return false; // It is gone.
  }
}

/** Who has an id in a pid namespace. */
export interface IdHolder {
  readonly pid: HostPid;
  /** The process that has the thread, the group or the session. */
  readonly status: ProcStatus;
  readonly as: 'process' | 'thread' | 'group' | 'session';
}

/**
 * Ids that threads, groups and sessions have in a pid namespace, and who has them. Takes some microseconds for each process
 * of the host.
 *
 * @param path a file of the namespace
 */
export function idsIn(path: string): Map<NsTid, IdHolder> {
  const { ino, dev } = statSync(path);
  const found = new Map<NsTid, IdHolder>();
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    const pid = asHostPid(Number(name));
    try {
      const place = statSync(`/proc/${name}/ns/pid`);
      if (place.ino === ino && place.dev === dev) note(pid, found);
    } catch {
      // It is gone.
    }
  }
  return found;
}

function note(pid: HostPid, found: Map<NsTid, IdHolder>): void {
  const status = readStatus(pid);
  for (const tid of listThreads(pid)) {
    const id = containerTid(tid === pid ? status : readStatus(pid, tid));
    found.set(id, { pid, status, as: tid === pid ? 'process' : 'thread' });
  }
  for (const [ids, as] of [
    [status.nsPgid, 'group'],
    [status.nsSid, 'session'],
  ] as const) {
    const id = ids.at(-1);
    if (id === undefined || id === 0 || found.has(asNsTid(id))) continue;
    found.set(asNsTid(id), { pid, status, as });
  }
}
