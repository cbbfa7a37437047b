// SPDX-License-Identifier: Apache-2.0
import type { HostTid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { NAMESPACE_LINKS, type NamespaceLink, type StillProcess } from '../procfs/still-process.js';
import { EndedMeanwhile } from '../retry.js';
import { labelOf } from './label.js';
import { isDying } from './life-watch.js';

/** Words for the links of /proc/PID/ns. */
const WORDS: Readonly<Record<NamespaceLink, string>> = {
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
};

/**
 * Checks that all threads of a process are in the namespaces of another process, the container's init.
 *
 * @throws ShimError `failedPrecondition` naming the process and the namespace
 */
export function checkNamespaces(process: StillProcess, init: StillProcess): void {
  for (const link of NAMESPACE_LINKS) {
    const expected = namespaceOf(init, link, init.pid);
    for (const tid of process.tids) {
      if (namespaceOf(process, link, tid) !== expected) throw nested(tid, WORDS[link]);
    }
  }
}

/** Undefined if the kernel has no such namespace, or if none has been created for children yet. */
function namespaceOf(process: StillProcess, link: NamespaceLink, tid: HostTid): string | undefined {
  try {
    return process.namespace(link, tid);
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'notFound') return undefined;
    throw error;
  }
}

/** A dying process has left its namespaces. */
function nested(tid: HostTid, words: string): ShimError {
  if (isDying(tid)) return new EndedMeanwhile('aborted', `${labelOf(tid)} has ended meanwhile`);
  const what = `a ${words} namespace of its own is not supported`;
  return new ShimError('failedPrecondition', `${labelOf(tid)}: ${what}; remedy: end it first`);
}
