// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { groupBy } from '../../../../../common/group-by.js';
import { asNsPid } from '../../../../../common/ids.js';
import { SCM, SOCK } from '../../../../../native/abi/index.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { SkPacketEntry, UnixSkEntry } from '../../../../image/types.js';
import { checkLentName } from './check.js';

/** What chown(2) takes for nobody. */
const NOBODY = 0xffffffff;

/**
 * Checks what comes along with unread packets of unix sockets: senders, and files, which may be sockets with queues of
 * their own. Throws ShimError `dataLoss`.
 */
export function checkPackets(sockets: readonly UnixSkEntry[], files: CheckedFiles): void {
  const byId = new Map(sockets.map((socket) => [socket.id, socket]));
  for (const { entry } of files.image.packets) {
    const socket = byId.get(entry.id_for);
    if (!socket) continue;
    const what = `check queue of socket ${String(entry.id_for)}`;
    checkRights(socket, entry, what);
    checkSender(socket, entry, what);
    checkCredentials(files, entry, what);
    for (const id of rightsOf(entry)) checkPassed(files, id, what);
  }
  checkReachable(files, byId);
}

function checkRights({ type }: UnixSkEntry, entry: SkPacketEntry, what: string): void {
  const rights = rightsOf(entry);
  if (entry.scm.some((one) => one.type !== SCM.rights))
    badImage(`${what}: no message of such a type`);
  if (rights.length > SCM.mostRights) badImage(`${what}: it passes too many files`);
  if (rights.length > 0 && type === SOCK.stream && entry.length === 0) {
    badImage(`${what}: a stream passes files without a byte`);
  }
}

function checkSender({ type, peer }: UnixSkEntry, entry: SkPacketEntry, what: string): void {
  const { mvas_sender: name, mvas_folder: folder } = entry;
  checkLentName({ name, folder }, `${what}: a sender`);
  if (name !== undefined && (type !== SOCK.dgram || peer !== 0)) {
    badImage(`${what}: nobody but its peer can have sent it`);
  }
}

function checkCredentials({ image }: CheckedFiles, entry: SkPacketEntry, what: string): void {
  const { mvas_pid: pid = 0, mvas_uid: uid, mvas_gid: gid } = entry;
  if (pid > 0 && !image.ids.has(asNsPid(pid)))
    badImage(`${what}: no process ${String(pid)} sent it`);
  if (uid === NOBODY || gid === NOBODY) badImage(`${what}: its sender has impossible ids`);
}

/** A pidfd can be opened only when its process exists. */
function checkPassed(files: CheckedFiles, id: number, what: string): void {
  if ((files.get(id)?.pidfd?.nspid ?? -1) >= 0) badImage(`${what}: a pidfd cannot be passed`);
}

/** A socket that only queues have can be received: from that of a socket that is open, however far away. */
function checkReachable({ image }: CheckedFiles, byId: ReadonlyMap<number, UnixSkEntry>): void {
  const passing = groupBy(
    image.packets.filter(({ entry }) => entry.scm.length > 0),
    // What a client whose connection waits has sent is received from where it waits.
    ({ entry }) => byId.get(entry.id_for)?.mvas_listener ?? entry.id_for,
  );
  const open = [...image.fdinfo.values()].flatMap((table) => table.map(({ id }) => id));
  const reached = new Set(open);
  for (const id of reached) {
    for (const { entry } of passing.get(id) ?? [])
      for (const one of rightsOf(entry)) reached.add(one);
  }
  for (const id of passing.keys()) {
    if (!reached.has(id))
      badImage(`check queue of socket ${String(id)}: nobody can receive from it`);
  }
}

function rightsOf({ scm }: SkPacketEntry): readonly number[] {
  return scm.flatMap(({ rights }) => rights);
}
