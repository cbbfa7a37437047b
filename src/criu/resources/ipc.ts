// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { syscall } from '../../native/index.js';
import { closeFd, cString } from '../../native/sys.js';
import { readNamespace } from '../procfs/reader.js';
import { Refusals } from './files/refusals.js';
import { inNamespaceOf } from './in-namespace.js';

/** System calls of the mount interface (Linux 5.2). */
const NR = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** Files of /proc/sysvipc (proc_sysvipc(5)), and words for what each line of them is. */
const SYSTEM_V = {
  shm: 'System V shared memory segment',
  sem: 'System V semaphore set',
  msg: 'System V message queue',
} as const;

/**
 * Checks that a container has no System V objects and no POSIX message queues. They belong to its IPC
 * namespace, not to a process; in the host's own they stay where they are.
 *
 * @throws ShimError `failedPrecondition` naming up to ten of them
 */
export function checkIpc(initPid: number): void {
  if (readNamespace(initPid, 'ipc') === readNamespace(process.pid, 'ipc')) return;
  const objects = inNamespaceOf(initPid, 'ipc', () => [...systemVObjects(), ...messageQueues()]);
  const refusals = new Refusals();
  for (const object of objects) {
    refusals.add(object, 'belongs to no process and cannot be restored; remedy: remove it');
  }
  refusals.throwIfAny();
}

/** Those of the calling thread's namespace, in words. */
function systemVObjects(): string[] {
  return Object.entries(SYSTEM_V).flatMap(([file, words]) =>
    parseSystemV(textOf(`/proc/sysvipc/${file}`)).map(
      ({ id, key }) => `${words} ${String(id)} (key 0x${key.toString(16)})`,
    ),
  );
}

/** Ids and keys of a file of /proc/sysvipc: a line of titles, then one for each object. Pure. */
export function parseSystemV(text: string): { readonly id: number; readonly key: number }[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [key = 0, id = 0] = line.trim().split(/\s+/).map(Number);
      return { id, key: key >>> 0 };
    });
}

/** Empty where the kernel has no such objects. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Names of the calling thread's namespace, whether its container has mounted them or not. */
function messageQueues(): string[] {
  const context = syscall(NR.fsopen, cString('mqueue'), CLOEXEC);
  if (context < 0) return []; // The kernel knows no message queues.
  const create = syscall(NR.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0);
  const mount = create < 0 ? create : syscall(NR.fsmount, context, CLOEXEC, 0);
  closeFd(context);
  if (mount < 0) return [];
  try {
    return readdirSync(`/proc/self/fd/${String(mount)}`).map((name) => `message queue /${name}`);
  } finally {
    closeFd(mount);
  }
}
