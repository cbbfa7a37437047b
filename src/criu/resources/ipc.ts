// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { type HostPid, ownPid } from '../../common/ids.js';
import { syscall } from '../../native/index.js';
import { SYS, cString, closeFd } from '../../native/sys.js';
import { readMaps, readNamespace } from '../procfs/reader.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { Refusals } from './files/refusals.js';
import { inNamespaceOf } from './in-namespace.js';

const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOST_NAMED = 10;

/** Files of /proc/sysvipc (proc_sysvipc(5)), and words for the object on each of their lines. */
const SYSTEM_V = {
  shm: 'System V shared memory segment',
  sem: 'System V semaphore set',
  msg: 'System V message queue',
} as const;

/** A line of a file of /proc/sysvipc. */
interface SystemVObject {
  readonly id: number;
  readonly key: number;
  /** Of shared memory: how often it is attached. */
  readonly attachments: number;
}

/** An object, and why it is in the way. */
type Finding = readonly [object: string, reason: string];

/** For objects that no process can be seen to use. */
const MAY_BE_USED = 'cannot be restored; remedy: remove it once no process needs it';

/**
 * Checks that a container has no System V objects and no POSIX message queues. They belong to its IPC namespace,
 * not to a process; in the host's own namespace they stay where they are.
 *
 * @throws ShimError `failedPrecondition` naming up to ten of them, and which processes have them attached
 */
export function checkIpc(initPid: HostPid, processes: readonly TracedProcess[]): void {
  if (readNamespace(initPid, 'ipc') === readNamespace(ownPid(), 'ipc')) return;
  const findings = inNamespaceOf(initPid, 'ipc', () => [
    ...systemVObjects(processes),
    ...messageQueues().map((object): Finding => [object, MAY_BE_USED]),
  ]);
  const refusals = new Refusals();
  for (const [object, reason] of findings) refusals.add(object, reason);
  refusals.throwIfAny();
}

/** Those of the calling thread's namespace, in words. */
function systemVObjects(processes: readonly TracedProcess[]): Finding[] {
  return Object.entries(SYSTEM_V).flatMap(([file, words]) =>
    parseSystemV(textOf(`/proc/sysvipc/${file}`)).map((object): Finding => {
      const what = `${words} ${String(object.id)} (key 0x${object.key.toString(16)})`;
      return [what, file === 'shm' ? segmentReason(object, processes) : MAY_BE_USED];
    }),
  );
}

/** The memory of those who have a segment attached must not be taken away. */
function segmentReason(
  { id, attachments }: SystemVObject,
  processes: readonly TracedProcess[],
): string {
  if (attachments === 0) return `nobody has it attached, and it ${MAY_BE_USED}`;
  const places = processes.flatMap(({ pid, label }) =>
    readMaps(pid)
      .filter(({ path, inode }) => path.startsWith('/SYSV') && inode === BigInt(id))
      .map(() => label),
  );
  const outside = attachments - places.length;
  const names = [...new Set(places)];
  const more = names.length > MOST_NAMED ? [`${String(names.length - MOST_NAMED)} more`] : [];
  const others = outside > 0 ? [`${String(outside)} outside of the container`] : [];
  const who = [...names.slice(0, MOST_NAMED), ...more, ...others].join(', ');
  const remedy = 'remedy: have it detached, or these processes ended, but do not remove it before';
  return `is attached by ${who}, and cannot be restored; ${remedy}`;
}

/** A file of /proc/sysvipc: a line of titles, then one for each object. Pure. */
export function parseSystemV(text: string): SystemVObject[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [key = 0, id = 0, , , , , attachments = 0] = line.trim().split(/\s+/).map(Number);
      return { id, key: key >>> 0, attachments };
    });
}

/** Empty if the kernel has no such objects. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Names in the calling thread's namespace, whether its container has mounted them or not. */
function messageQueues(): string[] {
  const context = syscall(SYS.fsopen, cString('mqueue'), CLOEXEC);
  if (context < 0) return []; // The kernel has no message queues.
  const create = syscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0);
  const mount = create < 0 ? create : syscall(SYS.fsmount, context, CLOEXEC, 0);
  closeFd(context);
  if (mount < 0) return [];
  try {
    return readdirSync(`/proc/self/fd/${String(mount)}`).map((name) => `message queue /${name}`);
  } finally {
    closeFd(mount);
  }
}
