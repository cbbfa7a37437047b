// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { UNIX_SOCKET_FLAG } from '../../../../image/constants.js';
import type { UnixSkEntry } from '../../../../image/types.js';

/** Bytes of a path (PATH_MAX), less its NUL. */
const MAX_PATH = 4095;
/** Names of a socket's file (dump.ts), and its folder. */
const MAX_PLACES = 66;

/** Checks that each socket is there once, and that its peer is there. Throws ShimError `dataLoss`. */
export function checkPeers(sockets: readonly UnixSkEntry[]): void {
  const inodes = new Set<number>();
  for (const { ino } of sockets) {
    if (inodes.has(ino)) badImage(`check unix socket ${String(ino)}: it occurs twice`);
    inodes.add(ino);
  }
  for (const { ino, peer, uflags } of sockets) {
    if (peer === 0 || inodes.has(peer) || (uflags & UNIX_SOCKET_FLAG.external) !== 0) continue;
    badImage(`check unix socket ${String(ino)}: its peer does not exist`);
  }
}

/** An entry that says where a socket's file lies also has a path as its name. */
export function checkFolder({
  ino,
  name,
  mvas_folder: folder,
  mvas_paths: paths,
}: UnixSkEntry): void {
  const places = folder === undefined ? paths : [folder, ...paths];
  const isPath = name.length > 0 && name[0] !== 0;
  const isSane = places.every((path) => path.startsWith('/') && path.length <= MAX_PATH);
  if (places.length > MAX_PLACES || !isSane || (places.length > 0 && !isPath)) {
    badImage(`check unix socket ${String(ino)}: its folder is not a path`);
  }
}
