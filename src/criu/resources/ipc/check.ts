// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { type HostPid, ownPid } from '../../../common/ids.js';
import { syscall } from '../../../native/index.js';
import { SYS, cString, closeFd } from '../../../native/sys.js';
import type { Owner } from '../../memory/live/same-pages.js';
import { segmentOf } from '../../memory/memory-map.js';
import { readNamespace } from '../../procfs/reader.js';
import { Refusals } from '../files/refusals.js';
import { inNamespaceOf } from '../in-namespace.js';
import { parseQueues, parseSegments, parseSemaphores } from './sysvipc.js';
import { describe } from './words.js';

const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const MAY_BE_USED = 'cannot be restored; remedy: remove it once no process needs it';
const SHARED = 'the container shares its IPC namespace; remedy: give it its own';

/**
 * Checks that nothing of the IPC namespace would be lost that is not restored: POSIX message queues, and System V objects
 * of a namespace that the container shares with others. In the host's own they stay where they are, unless they are
 * attached.
 *
 * @param isOwn whether the spec gives the container a namespace of its own
 * @throws ShimError `failedPrecondition` naming up to ten of them
 */
export function checkIpc(initPid: HostPid, owners: readonly Owner[], isOwn: boolean): void {
  const refusals = new Refusals();
  const isHosts = readNamespace(initPid, 'ipc') === readNamespace(ownPid(), 'ipc');
  if (!isOwn) refuseAttached(owners, refusals);
  if (!isHosts) {
    const found = inNamespaceOf(initPid, 'ipc', () => {
      return { objects: isOwn ? [] : systemVObjects(), queues: messageQueues() };
    });
    for (const object of found.objects) refusals.add(object, SHARED);
    for (const queue of found.queues) refusals.add(queue, MAY_BE_USED);
  }
  refusals.throwIfAny();
}

/** Segments of a namespace that is not the container's own. */
function refuseAttached(owners: readonly Owner[], refusals: Refusals): void {
  for (const { process, map } of owners) {
    const ids = map.areas
      .filter(({ kind }) => kind === 'anonymous-shared')
      .flatMap(({ object }) => segmentOf(object) ?? []);
    for (const id of new Set(ids)) {
      const what = `System V shared memory segment ${String(id)}`;
      refusals.add(`${process.label} ${what}`, SHARED);
    }
  }
}

/** Those of the calling thread's namespace, in words. */
function systemVObjects(): string[] {
  return [
    ...parseSegments(textOf('shm')).map(({ desc }) => describe('shared memory segment', desc)),
    ...parseSemaphores(textOf('sem')).map(({ desc }) => describe('semaphore set', desc)),
    ...parseQueues(textOf('msg')).map(({ desc }) => describe('message queue', desc)),
  ];
}

/** A file of /proc/sysvipc; empty where the kernel has no such objects. */
export function textOf(name: 'shm' | 'sem' | 'msg'): string {
  try {
    return readFileSync(`/proc/sysvipc/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** Names of the calling thread's namespace, whether its container has mounted them or not. */
function messageQueues(): string[] {
  const context = syscall(SYS.fsopen, cString('mqueue'), CLOEXEC);
  if (context < 0) return []; // The kernel knows no message queues.
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
