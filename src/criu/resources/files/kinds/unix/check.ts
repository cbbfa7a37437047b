// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { SOCK, SOCKET_STATE } from '../../../../../native/abi/index.js';
import { UNIX_SOCKET_FLAG } from '../../../../image/constants.js';
import type { UnixSkEntry } from '../../../../image/types.js';

/** Bytes of a path (PATH_MAX), less its NUL. */
const MAX_PATH = 4095;
/** Bytes of a name (`sun_path`, unix(7)). */
const MAX_NAME = 108;
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

/** A closed peer may have had a name. */
export function checkLostPeer(socket: UnixSkEntry): void {
  const { ino, mvas_peer_name: name, mvas_peer_folder: folder, mvas_peer_gone: isGone } = socket;
  const what = `check unix socket ${String(ino)}: its closed peer`;
  checkLentName({ name, folder }, what);
  if (name !== undefined && isGone !== true) badImage(`${what} is not closed`);
}

/** A name that a socket is to have for a moment: a path comes with the folder that it leads to. */
export function checkLentName(
  {
    name,
    folder,
  }: { readonly name?: Uint8Array | undefined; readonly folder?: string | undefined },
  what: string,
): void {
  const isPath = name !== undefined && name[0] !== 0;
  const isSane = folder === undefined || (folder.startsWith('/') && folder.length <= MAX_PATH);
  const fits = name === undefined || (name.length > 0 && name.length <= MAX_NAME);
  if (!fits || !isSane || isPath !== (folder !== undefined)) badImage(`${what} has no such name`);
}

/** Connections wait in a listening socket of their type, one behind the other. */
export function checkWaiting(sockets: readonly UnixSkEntry[]): void {
  const byId = new Map(sockets.map((socket) => [socket.id, socket]));
  const turns = new Map<number, number[]>();
  for (const socket of sockets) {
    const { ino, mvas_listener: listener, mvas_turn: turn } = socket;
    const what = `check unix socket ${String(ino)}`;
    if ((listener === undefined) !== (turn === undefined)) badImage(`${what}: it waits nowhere`);
    if (listener === undefined || turn === undefined) continue;
    if (!isPlaceFor(socket, byId.get(listener))) {
      badImage(`${what}: it cannot wait in file ${String(listener)}`);
    }
    if (!isLoneClient(socket)) badImage(`${what}: it waits, and does not`);
    turns.set(listener, [...(turns.get(listener) ?? []), turn]);
  }
  for (const [listener, taken] of turns) {
    if (taken.sort((a, b) => a - b).some((turn, index) => turn !== index)) {
      badImage(`check unix socket of file ${String(listener)}: a turn is missing or taken twice`);
    }
  }
}

function isPlaceFor({ type }: UnixSkEntry, place: UnixSkEntry | undefined): boolean {
  return place?.state === SOCKET_STATE.listen && place.type === type;
}

function isLoneClient({ state, type, peer, mvas_peer_gone: isGone }: UnixSkEntry): boolean {
  const isConnected = state === SOCKET_STATE.established && type !== SOCK.dgram;
  return isConnected && peer === 0 && isGone !== true;
}
