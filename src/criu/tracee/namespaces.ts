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
 * Checks that all threads of processes are in the namespaces of another process, the container's init.
 *
 * @throws ShimError `failedPrecondition` naming the process and the namespace
 */
export function checkNamespaces(processes: readonly StillProcess[], init: StillProcess): void {
  for (const link of NAMESPACE_LINKS) checkReadable(init, link);
  for (const process of processes) {
    for (const tid of process.tids) {
      const other = NAMESPACE_LINKS.find((link) => !process.sharesNamespace(link, tid, init));
      if (other) throw nested(tid, WORDS[other]);
    }
  }
}

/** The kernel may have no such namespace, or have created none for children yet. */
function checkReadable(process: StillProcess, link: NamespaceLink): void {
  try {
    process.namespace(link);
  } catch (error) {
    if (!(error instanceof ShimError && error.kind === 'notFound')) throw error;
  }
}

/** A dying process has left its namespaces. */
function nested(tid: HostTid, words: string): ShimError {
  if (isDying(tid)) return new EndedMeanwhile('aborted', `${labelOf(tid)} has ended meanwhile`);
  const what = `a ${words} namespace of its own is not supported`;
  return new ShimError('failedPrecondition', `${labelOf(tid)}: ${what}; remedy: end it first`);
}
