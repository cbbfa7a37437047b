// SPDX-License-Identifier: Apache-2.0
import { S_IF } from './abi.js';
import type { DumpContext } from './dump-context.js';
import { inodeKey, type OpenFile } from './open-file.js';
import { canRead, canWrite } from './pipe.js';
import { isUnixSocket, type UnixSockets } from './unix-dump.js';

const STDIO = [0, 1, 2];

/**
 * Finds the open files that are the container's stdio: descriptors 0 to 2 of its init whose other end,
 * or whose file, is outside the container; and all other open files on the same.
 */
export function findStdio(context: DumpContext, sockets: UnixSockets): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const table = context.open.tables.find(({ owner, sharers }) =>
    [owner, ...sharers].includes(context.init),
  );
  const foreign = new Map<number, OpenFile>();
  for (const fd of STDIO) {
    const file = table?.descriptors.find((descriptor) => descriptor.fd === fd)?.file;
    if (!file || !isForeign(context, sockets, file)) continue;
    foreign.set(fd, file);
    if (!found.has(file.id)) found.set(file.id, fd);
  }
  for (const file of context.open.files) {
    if (found.has(file.id)) continue;
    for (const [fd, stdio] of foreign) {
      const same = inodeKey(stdio.stat) === inodeKey(file.stat);
      if (!same || !covers(stdio.flags, file.flags)) continue;
      found.set(file.id, fd);
      break;
    }
  }
  return found;
}

/** Whether one access mode does all that another one does. */
function covers(mine: number, wanted: number): boolean {
  return (!canRead(wanted) || canRead(mine)) && (!canWrite(wanted) || canWrite(mine));
}

function isForeign(context: DumpContext, sockets: UnixSockets, file: OpenFile): boolean {
  if (file.type === S_IF.sock) return isUnixSocket(file) && sockets.hasForeignPeer(file);
  if (isPlainPipe(file)) return !hasOtherEnd(context, file);
  return file.link.startsWith('/') && !context.mounts.has(file.info.mountId);
}

/** A pipe that has no name. */
export function isPlainPipe(file: OpenFile): boolean {
  return file.type === S_IF.fifo && file.link.startsWith('pipe:');
}

/** Whether somebody in the container holds the other end of a pipe. */
export function hasOtherEnd(context: DumpContext, file: OpenFile): boolean {
  const others = context.open.ofInode(file.stat);
  return others.some((other) => (canRead(file.flags) ? canWrite : canRead)(other.flags));
}
