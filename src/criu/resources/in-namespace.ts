// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { call, closeFd, SYS } from '../../native/sys.js';
import { O } from '../../native/abi/index.js';
import { openOwn } from './files/system.js';

/** CLONE_* flags by the names that /proc/PID/ns has (linux/sched.h). */
const FLAGS = { cgroup: 0x02000000, uts: 0x04000000, ipc: 0x08000000, net: 0x40000000 } as const;

/** Namespaces that one thread of ours may enter, and leave again. */
export type EnterableNamespace = keyof typeof FLAGS;

/**
 * Runs synchronous work with the calling thread in a namespace of a process (setns(2)): sockets created meanwhile
 * belong to it, and files of /proc that depend on the reader's namespaces show it.
 */
export function inNamespaceOf<T>(pid: HostPid, name: EnterableNamespace, work: () => T): T {
  const theirs = openOwn(`/proc/${String(pid)}/ns/${name}`, O.rdonly);
  const ours = openOwn(`/proc/thread-self/ns/${name}`, O.rdonly);
  try {
    call(`enter the ${name} namespace of pid ${String(pid)}`, SYS.setns, theirs, FLAGS[name]);
    try {
      return work();
    } finally {
      call(`leave the ${name} namespace`, SYS.setns, ours, FLAGS[name]);
    }
  } finally {
    closeFd(theirs);
    closeFd(ours);
  }
}
