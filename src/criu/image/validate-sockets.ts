// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { UNIX_SOCKET_FLAG } from './constants.js';
import type { FileEntry, InetSkEntry, SkOptsEntry, UnixSkEntry } from './types.js';

/** Bytes of a path (PATH_MAX), less its NUL. */
const MAX_PATH = 4095;
/** The kernel's list is far shorter; values are ints, or a name of a congestion control. */
const MAX_OPTIONS = 256;
const MAX_VALUE = 16;
/** Names of a socket's file (unix-dump.ts), and its folder. */
const MAX_PLACES = 66;
/** Words of 32 groups: a family of netlink has a few groups, or some hundred (generic netlink). */
const MAX_GROUP_WORDS = 1024;
/** Instructions of a classic filter (BPF_MAXINSNS, linux/bpf_common.h). */
const MAX_FILTER = 4096;
const IFNAMSIZ = 16;
const MAX_MEMBERSHIPS = 4096;
/** Sources of one group (multicast.ts). */
const MAX_SOURCES = 256;
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
  for (const file of files) checkCommon(file);
}

function checkCommon({ id, usk, isk, nlsk }: FileEntry): void {
  const what = `check file ${String(id)}`;
  if (isk) checkMulticast(isk, what);
  const opts = (usk ?? isk ?? nlsk)?.opts;
  if (opts) checkOptions(opts, what);
  const groups = nlsk?.groups.length ?? 0;
  if (groups > MAX_GROUP_WORDS) badImage(`${what}: it is in too many netlink groups`);
}

function checkMulticast(socket: InetSkEntry, what: string): void {
  const { mvas_memberships: memberships, mvas_multicast_if: out } = socket;
  const isInterface = (name: string): boolean => name.length > 0 && name.length < IFNAMSIZ;
  if (out !== undefined && !isInterface(out)) badImage(`${what}: its interface has no name`);
  if (memberships.length > MAX_MEMBERSHIPS) badImage(`${what}: it is in too many groups`);
  for (const { interface: name, group, mode, source } of memberships) {
    const isAddress = group.length === 4 || group.length === 16;
    const isSane =
      source.length <= MAX_SOURCES && source.every((one) => one.length === group.length);
    if (!isInterface(name) || !isAddress || !isSane || mode > 1) {
      badImage(`${what}: it is in an impossible group`);
    }
  }
}

/** Where a socket's file lies comes with a path for a name. */
function checkFolder({ ino, name, mvas_folder: folder, mvas_paths: paths }: UnixSkEntry): void {
  const places = folder === undefined ? paths : [folder, ...paths];
  const isPath = name.length > 0 && name[0] !== 0;
  const isSane = places.every((path) => path.startsWith('/') && path.length <= MAX_PATH);
  if (places.length > MAX_PLACES || !isSane || (places.length > 0 && !isPath)) {
    badImage(`check unix socket ${String(ino)}: its folder is no path`);
  }
}

function checkOptions(options: SkOptsEntry, what: string): void {
  const { mvas_uid: uid, mvas_gid: gid, mvas_options: others } = options;
  if (others.length > MAX_OPTIONS || others.some(({ value }) => value.length > MAX_VALUE)) {
    badImage(`${what}: its socket has too many options`);
  }
  if (options.so_filter.length > MAX_FILTER) badImage(`${what}: its socket has too long a filter`);
  if (uid === NOBODY || gid === NOBODY) badImage(`${what}: its socket has an impossible owner`);
}
