// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { UNIX_SOCKET_FLAG } from './constants.js';
import type { FileEntry, SkOptsEntry, UnixSkEntry } from './types.js';

/** Bytes of a path (PATH_MAX), less its NUL. */
const MAX_PATH = 4095;
/** What chown(2) takes for nobody. */
const NOBODY = 0xffffffff;

/** Checks unix sockets and their peers, and what all sockets have. Throws ShimError `dataLoss`. */
export function checkSockets(files: readonly FileEntry[]): void {
  const sockets = files.flatMap(({ usk }) => usk ?? []);
  const inodes = new Set<number>();
  for (const { ino } of sockets) {
    if (inodes.has(ino)) badImage(`check unix socket ${String(ino)}: it occurs twice`);
    inodes.add(ino);
  }
  for (const usk of sockets) {
    checkFolder(usk);
    if (usk.peer === 0 || inodes.has(usk.peer)) continue;
    if ((usk.uflags & UNIX_SOCKET_FLAG.external) === 0) {
      badImage(`check unix socket ${String(usk.ino)}: its peer does not exist`);
    }
  }
  for (const { id, usk, isk, nlsk } of files) {
    const opts = (usk ?? isk ?? nlsk)?.opts;
    if (opts) checkOwner(opts, `check file ${String(id)}`);
  }
}

/** The folder of a socket's file comes with a path for a name. */
function checkFolder({ ino, name, mvas_folder: folder }: UnixSkEntry): void {
  if (folder === undefined) return;
  const isPath = name.length > 0 && name[0] !== 0;
  if (isPath && folder.startsWith('/') && folder.length <= MAX_PATH) return;
  badImage(`check unix socket ${String(ino)}: its folder is no path`);
}

function checkOwner({ mvas_uid: uid, mvas_gid: gid }: SkOptsEntry, what: string): void {
  if (uid === NOBODY || gid === NOBODY) badImage(`${what}: its socket has an impossible owner`);
}
