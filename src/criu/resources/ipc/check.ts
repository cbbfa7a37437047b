// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { type HostPid, ownPid } from '../../../common/ids.js';
import { closeFd } from '../../../native/sys.js';
import type { Owner } from '../../memory/live/same-pages.js';
import { segmentOf } from '../../memory/memory-map.js';
import { readNamespace } from '../../procfs/reader.js';
import { Refusals } from '../files/refusals.js';
import { inNamespaceOf } from '../in-namespace.js';
import { mountQueues } from './mount-queues.js';
import { parseQueues, parseSegments, parseSemaphores } from './sysvipc.js';
import { describe } from './words.js';

const SHARED = 'the container shares its IPC namespace; remedy: give it its own';

/**
 * Checks that nothing of the IPC namespace would be lost that is not restored: System V objects and POSIX message queues
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
  if (!isOwn && !isHosts) {
    const objects = inNamespaceOf(initPid, 'ipc', () => [...systemVObjects(), ...messageQueues()]);
    for (const object of objects) refusals.add(object, SHARED);
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
  const mount = mountQueues();
  if (mount === undefined) return [];
  try {
    return readdirSync(`/proc/self/fd/${String(mount)}`).map((name) => `message queue /${name}`);
  } finally {
    closeFd(mount);
  }
}
