// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { fstatSync, writeSync } from 'node:fs';
import { printable } from '../../common/bytes.js';
import { ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { covers } from '../../common/tmpfs-mounts.js';
import { O, RESOLVE } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, check, closeFd, SYS } from '../../native/sys.js';
import { readIdMaps } from '../procfs/reader.js';
import { asOwner } from '../resources/as-owner.js';
import { cPath, openAt2, openHow, openOwn } from '../resources/files/system.js';
import type { Spec } from '../spec.js';

/** What a restored container is told about itself. */
export interface Identity {
  /** Id of the container. */
  readonly id: string;
  /** Id of the container that was checkpointed. */
  readonly parent: string;
  /** Id of the VAS that it comes from. */
  readonly checkpoint: string;
  /** Its number among clones that were made together; undefined: it has none. */
  readonly index: number | undefined;
}

const FOLDER = '/run';
const OURS = 'mvas';
const FILE = 'clone.json';
const MACHINE_ID = '/etc/machine-id';
/** As systemd writes it: 32 digits and a line feed (machine-id(5)). */
const MACHINE_ID_SIZE = 33n;
/** A program in the container may have put links there. */
const INSIDE = RESOLVE.inRoot | RESOLVE.noSymlinks | RESOLVE.noMagicLinks;
const EEXIST = -17;
const ENOENT = -2;
const log = logger('restore');

/**
 * Writes /run/mvas/clone.json, and into a clone a new /etc/machine-id, if it has one. Only into the root filesystem
 * or a tmpfs of the container's own: a volume may belong to others. Where that is not possible a line in the log
 * says so.
 *
 * @param rootPid a process that sees the mounts of the new container
 */
export function tellIdentity(rootPid: HostPid, live: Spec, identity: Identity): void {
  const maps = readIdMaps(rootPid);
  const [user, group] = [maps.users.toOutside(0), maps.groups.toOutside(0)];
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    asOwner(user, group, () => {
      const { id, parent, checkpoint, index } = identity;
      const generation = randomBytes(16).toString('hex');
      const { hostname = '', process: { env = [] } = {} } = live;
      const content = { id, generation, parent, checkpoint, index, hostname, env };
      attempt(`${FOLDER}/${OURS}/${FILE}`, live, () => {
        writeClone(root, `${JSON.stringify(content, null, 1)}\n`);
      });
      if (id !== parent) {
        attempt(MACHINE_ID, live, () => {
          renewMachineId(root);
        });
      }
    });
  } finally {
    closeFd(root);
  }
}

function attempt(path: string, live: Spec, write: () => void): void {
  try {
    if (!isOwn(path, live)) throw new ShimError('failedPrecondition', 'it is a volume');
    write();
  } catch (error) {
    const reason = printable(ShimError.from(error).message);
    log.info('not told that it is restored', { path, reason });
  }
}

/** Whether a path is the container's alone, as far as its spec tells. */
function isOwn(path: string, { mounts = [] }: Spec): boolean {
  const above = mounts.filter((mount) => covers(mount, path));
  return above.every(({ type }) => type === 'tmpfs');
}

function writeClone(root: number, text: string): void {
  const above = check(`open ${FOLDER}`, openAt2(root, FOLDER, O.path | O.directory, INSIDE));
  try {
    const made = syscall(SYS.mkdirat, above, cPath(OURS), 0o755);
    if (made !== EEXIST) check(`make ${FOLDER}/${OURS}`, made);
    const folder = check('open it', openAt2(above, OURS, O.rdonly | O.directory, INSIDE));
    try {
      replace(folder, FILE, text);
    } finally {
      closeFd(folder);
    }
  } finally {
    closeFd(above);
  }
}

/** Whoever has the old file open keeps it. */
function replace(folder: number, name: string, text: string): void {
  const part = cPath(`${name}.part`);
  const removed = syscall(SYS.unlinkat, folder, part, 0);
  if (removed !== ENOENT) check(`remove ${name}.part`, removed);
  const how = openHow(O.wronly | O.creat | O.excl | O.cloexec, 0o644, INSIDE);
  const file = call(`make ${name}`, SYS.openat2, folder, part, how, how.length);
  try {
    writeSync(file, text);
    call(`set the mode of ${name}`, SYS.fchmod, file, 0o644);
  } finally {
    closeFd(file);
  }
  call(`rename ${name}`, SYS.renameat2, folder, part, folder, cPath(name), 0);
}

/** In place, since a program may have it open. */
function renewMachineId(root: number): void {
  const file = openAt2(root, MACHINE_ID, O.rdwr | O.nonblock, INSIDE);
  if (file === ENOENT) return;
  check(`open ${MACHINE_ID}`, file);
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile() || stat.size !== MACHINE_ID_SIZE || stat.nlink !== 1n) return;
    writeSync(file, `${randomBytes(16).toString('hex')}\n`, 0);
  } finally {
    closeFd(file);
  }
}
