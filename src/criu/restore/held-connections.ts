// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import type { HostPid, VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { syscall } from '../../native/index.js';
import { check, closeFd, openPidfd, SYS } from '../../native/sys.js';
import type { HeldFiles } from '../plan/live-facts.js';
import { findKeepable } from '../resources/files/index.js';
import { findHeld } from '../vas/hold.js';

/** SIOCGSKNS: the network namespace of a socket (netdevice(7)). */
const SIOCGSKNS = 0x894c;

type ConnectionsImage = Parameters<typeof findKeepable>[0];

/** The TCP sockets of an image that the keeper of its VAS still holds; for `tcp=keep`. */
export async function findHeldFiles(vasId: VasId, image: ConnectionsImage): Promise<HeldFiles> {
  const { keeper, byInode } = await findHeld(vasId);
  const files = new Map<number, number>();
  for (const { id, ino } of findKeepable(image)) {
    const held = byInode.get(ino);
    if (held !== undefined) files.set(id, held);
  }
  return { keeper, files };
}

/**
 * Checks that all of them belong to the network namespace of a process.
 *
 * @throws ShimError `failedPrecondition`
 */
export function checkNetworkOf({ keeper, files }: HeldFiles, pid: HostPid): void {
  const here = statSync(`/proc/${String(pid)}/ns/net`).ino;
  const pidfd = openPidfd(keeper);
  try {
    for (const held of files.values()) {
      if (networkOf(pidfd, held) !== here) {
        const message = `the new container's network namespace is not that of its TCP connections`;
        const remedy = 'give it that of the original, or restore it with tcp=close';
        throw new ShimError('failedPrecondition', `${message} (tcp=keep); remedy: ${remedy}`);
      }
    }
  } finally {
    closeFd(pidfd);
  }
}

/** Inode of the network namespace of a descriptor of another process. */
function networkOf(pidfd: number, descriptor: number): number {
  const socket = check('take a socket', syscall(SYS.pidfd_getfd, pidfd, descriptor, 0));
  try {
    const namespace = check('find its network', syscall(SYS.ioctl, socket, SIOCGSKNS));
    try {
      return statSync(`/proc/self/fd/${String(namespace)}`).ino;
    } finally {
      closeFd(namespace);
    }
  } finally {
    closeFd(socket);
  }
}
