// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import type { CheckpointImage } from '../../image/checkpoint-image.js';
import type { IpcDescEntry, IpcVarEntry } from '../../image/types.js';
import { ADJUSTMENT, IPC_PRIVATE, SEM_MAX, SHM_DEST } from './abi.js';
import { limits } from './limits.js';
import { describe } from './words.js';

/** Most objects of a kind (IPCMNI with `ipcmni_extend`), and so the bound of their number. */
const MAX_OBJECTS = 1 << 24;
/** Most semaphores of a set (SEMMSL of the kernel's headers). */
const MAX_SEMAPHORES = 65_536;
const MAX_ID = 0x7fff_ffff;
/** Permissions, and what the mode of a segment says besides. */
const MODE = 0o3777;
const INT_MAX = 0x7fff_ffffn;
const LONG_LIMITS: ReadonlySet<string> = new Set(['shmmax', 'shmall']);

/**
 * Checks the System V objects of an image; memory/ checks where segments lie.
 *
 * @throws ShimError `dataLoss`
 */
export function checkIpcImage(image: CheckpointImage): void {
  const { ipcLimits, segments, semaphores, messageQueues } = image;
  if (segments.length + semaphores.length + messageQueues.length > 0 && !ipcLimits) {
    badImage('check System V objects: there are no limits of their namespace');
  }
  if (ipcLimits) checkLimits(ipcLimits);
  checkObjects('shared memory segment', segments);
  checkObjects('semaphore set', semaphores);
  checkObjects('message queue', messageQueues);
  for (const { entry } of segments) {
    const what = describe('shared memory segment', entry.desc);
    if (entry.in_pagemaps !== true) badImage(`check ${what}: its content is not in the VAS`);
    if (entry.desc.mode & SHM_DEST && entry.mvas_park !== undefined) {
      badImage(`check ${what}: it is removed, and nobody has it attached`);
    }
  }
  for (const set of semaphores) checkSet(image, set);
  for (const { entry, messages } of messageQueues) {
    const what = describe('message queue', entry.desc);
    if (messages.some(({ type }) => type < 1n || type >= 1n << 63n)) {
      badImage(`check ${what}: a message of an impossible type`);
    }
  }
}

function checkLimits(entry: IpcVarEntry): void {
  if (entry.sem_ctls.length !== 4) badImage('check limits of semaphores: there are four');
  for (const [name, { path, of }] of limits()) {
    if (LONG_LIMITS.has(name)) continue;
    if (of(entry).some((value) => value > INT_MAX)) badImage(`check sysctl ${path}: out of range`);
  }
}

/** Ids and keys of a kind are those of one object each. */
function checkObjects(
  kind: Parameters<typeof describe>[0],
  objects: readonly { readonly entry: { readonly desc: IpcDescEntry } }[],
): void {
  if (objects.length > MAX_OBJECTS) badImage(`check System V objects: too many`);
  const [ids, keys] = [new Set<number>(), new Set<number>()];
  for (const { entry } of objects) {
    const { id, key, mode } = entry.desc;
    const what = describe(kind, entry.desc);
    if (id > MAX_ID || ids.has(id)) badImage(`check ${what}: an id that it cannot have`);
    if (key !== IPC_PRIVATE && keys.has(key))
      badImage(`check ${what}: there is another of its key`);
    if (mode & ~MODE) badImage(`check ${what}: an impossible mode`);
    ids.add(id);
    keys.add(key);
  }
}

function checkSet(
  { pstree }: CheckpointImage,
  { entry, payload }: CheckpointImage['semaphores'][number],
): void {
  const what = describe('semaphore set', entry.desc);
  if (entry.nsems < 1 || entry.nsems > MAX_SEMAPHORES) badImage(`check ${what}: its size`);
  const values = Buffer.from(payload);
  for (let at = 0; at < values.length; at += 2) {
    if (values.readUInt16LE(at) > SEM_MAX) badImage(`check ${what}: a value out of range`);
  }
  const pids = new Set<number>(pstree.map(({ pid }) => pid));
  const seen = new Set<string>();
  for (const { pid, index, value } of entry.mvas_adjustments) {
    const key = `${String(pid)} ${String(index)}`;
    const isPossible =
      pids.has(pid) && index < entry.nsems && value >= ADJUSTMENT.least && value <= ADJUSTMENT.most;
    if (!isPossible || value === 0 || seen.has(key)) {
      badImage(`check ${what}: an adjustment that there cannot be`);
    }
    seen.add(key);
  }
}
