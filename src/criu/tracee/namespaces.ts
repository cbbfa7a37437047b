// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { listThreads, readNamespace } from '../procfs/reader.js';
import { EndedMeanwhile } from '../retry.js';
import { labelOf } from './label.js';
import { isDying } from './life-watch.js';

/** Links of /proc/PID/ns (namespaces(7)) by the words for them. */
const NAMESPACES = {
  pid: 'pid',
  pid_for_children: 'pid',
  mnt: 'mount',
  net: 'network',
  uts: 'UTS',
  ipc: 'IPC',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
  time_for_children: 'time',
} as const;

/** The namespaces that all threads of a container have to be in. */
export class Namespaces {
  readonly #expected: readonly (readonly [
    link: string,
    words: string,
    namespace: string | undefined,
  ])[];

  /** @param initPid whose they are */
  constructor(initPid: HostPid) {
    this.#expected = Object.entries(NAMESPACES).map(([link, words]) => {
      return [link, words, namespaceOf(initPid, link, initPid)];
    });
  }

  /**
   * Checks that all threads of a process are in them.
   *
   * @throws ShimError `failedPrecondition` naming the process and the namespace
   */
  check(pid: HostPid): void {
    for (const tid of listThreads(pid)) {
      for (const [link, words, expected] of this.#expected) {
        if (namespaceOf(pid, link, tid) !== expected) throw nested(tid, words);
      }
    }
  }
}

/** Undefined where the kernel has no such namespace, or where none was made yet for children. */
function namespaceOf(pid: HostPid, link: string, tid: HostTid): string | undefined {
  try {
    return readNamespace(pid, link, tid);
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'notFound') return undefined;
    throw error;
  }
}

/** Who is dying has left its namespaces. */
function nested(tid: HostTid, words: string): ShimError {
  if (isDying(tid)) return new EndedMeanwhile('aborted', `${labelOf(tid)} has ended meanwhile`);
  const what = `a ${words} namespace of its own is not supported`;
  return new ShimError('failedPrecondition', `${labelOf(tid)}: ${what}; remedy: end it first`);
}
