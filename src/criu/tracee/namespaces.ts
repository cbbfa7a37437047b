// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { listThreads, readNamespace } from '../procfs/reader.js';
import { labelOf } from './label.js';

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

/**
 * Checks that all threads of a process are in the namespaces of the container's init.
 *
 * @throws ShimError `failedPrecondition` naming the process and the namespace
 */
export function checkNamespaces(initPid: number, pid: number): void {
  for (const [link, words] of Object.entries(NAMESPACES)) {
    const expected = namespaceOf(initPid, link, initPid);
    for (const tid of listThreads(pid)) {
      if (namespaceOf(pid, link, tid) !== expected) throw nested(tid, words);
    }
  }
}

/** Undefined where the kernel has no such namespace, or where none was made yet for children. */
function namespaceOf(pid: number, link: string, tid: number): string | undefined {
  try {
    return readNamespace(pid, link, tid);
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'notFound') return undefined;
    throw error;
  }
}

function nested(tid: number, words: string): ShimError {
  const what = `a ${words} namespace of its own is not supported`;
  return new ShimError('failedPrecondition', `${labelOf(tid)}: ${what}; remedy: end it first`);
}
