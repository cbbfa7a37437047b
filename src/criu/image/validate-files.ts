// SPDX-License-Identifier: Apache-2.0
import { asNsPid } from '../../common/ids.js';
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import { LOCK_FLAG } from './constants.js';
import { bodyOf, CheckedFiles, MAX_FD, type EntryKind } from './entry-kind.js';
import type { FdinfoEntry, FdTypes, FileEntry, FileLockEntry } from './types.js';

const MAX_FILES = 200_000;
const LOCK_FLAGS: ReadonlySet<number> = new Set(Object.values(LOCK_FLAG));
/** F_WRLCK, the highest type of a lock that is held. */
const WRITE_LOCK = 1;
/** What chown(2) takes for nobody. */
const NOBODY = 0xffffffff;

/**
 * Checks open files, each by the rules of its kind, descriptors, and everything that refers to them. Throws
 * ShimError `dataLoss`.
 */
export function validateFiles(image: CheckpointImage, kinds: readonly EntryKind[]): void {
  if (image.files.length > MAX_FILES) badImage('check files: too many');
  const byId = new Map<number, FileEntry>();
  const byType = new Map<FdTypes, FileEntry[]>(kinds.map(({ type }) => [type, []]));
  const checkBody = bodyCheck(kinds);
  for (const file of image.files) {
    if (byId.has(file.id)) badImage(`check file ${String(file.id)}: it occurs twice`);
    checkBody(file);
    byId.set(file.id, file);
    byType.get(file.type)?.push(file);
  }
  const files = new CheckedFiles(image, byId);
  for (const [id, table] of image.fdinfo) checkTable(id, table, files);
  for (const [pid, { cwd_id, root_id }] of image.fs) {
    for (const id of [cwd_id, root_id]) {
      files.need(id, ['REG'], `check directories of process ${String(pid)}`);
    }
  }
  for (const kind of kinds) checkKind(kind, byType.get(kind.type) ?? [], files);
  checkQueues(files, kinds);
  checkNames(files);
  checkLocks(image);
}

/** Checks that a file has the body of its type, and none of another. */
function bodyCheck(kinds: readonly EntryKind[]): (file: FileEntry) => void {
  const byType = new Map(kinds.map((kind) => [kind.type, kind]));
  const bodies = new Set<string>(kinds.map(({ body }) => body));
  return (file) => {
    const fail = (why: string): never => badImage(`check file ${String(file.id)}: ${why}`);
    const { type } = file;
    const { body: own } = byType.get(type) ?? fail(`files of type ${type} do not exist`);
    const body = file[own] ?? fail(`type ${type} needs ${own}`);
    for (const name in file) {
      const isOther = name !== own && bodies.has(name);
      if (isOther && file[name as keyof FileEntry] !== undefined) {
        fail(`type ${type} does not go with ${name}`);
      }
    }
    if (body.id !== file.id) fail(`its ${own} has another id`);
  };
}

function checkKind(kind: EntryKind, entries: readonly FileEntry[], files: CheckedFiles): void {
  if (kind.check) {
    for (const file of entries) {
      kind.check(bodyOf(file, kind.body), files, `check file ${String(file.id)}`);
    }
  }
  kind.checkAll?.(
    entries.map((file) => bodyOf(file, kind.body)),
    files,
  );
}

function checkTable(id: number, table: readonly FdinfoEntry[], files: CheckedFiles): void {
  const used = new Set<number>();
  for (const { fd, id: file, type } of table) {
    const isRight = fd < MAX_FD && !used.has(fd) && files.get(file)?.type === type;
    if (!isRight) wrongDescriptor(id, { fd, id: file, type }, used, files);
    used.add(fd);
  }
}

/** Says why. */
function wrongDescriptor(
  table: number,
  { fd, id, type }: Pick<FdinfoEntry, 'fd' | 'id' | 'type'>,
  used: ReadonlySet<number>,
  files: CheckedFiles,
): void {
  const what = `check descriptor ${String(fd)} of table ${String(table)}`;
  if (fd >= MAX_FD) badImage(`${what}: the number is too large`);
  if (used.has(fd)) badImage(`${what}: it occurs twice`);
  files.need(id, [type], what);
}

/** Unread data of a socket belongs to one that is open, and passes files that exist. */
function checkQueues(files: CheckedFiles, kinds: readonly EntryKind[]): void {
  const types = kinds.filter(({ hasQueue }) => hasQueue).map(({ type }) => type);
  for (const { entry } of files.image.packets) {
    const what = `check queue of socket ${String(entry.id_for)}`;
    files.need(entry.id_for, types, what);
    for (const id of entry.scm.flatMap(({ rights }) => rights)) {
      if (!files.has(id)) badImage(`${what}: passed file ${String(id)} does not exist`);
    }
  }
}

/** Deleted files: each remap leads from a file to a ghost, a file or a process. */
function checkNames(files: CheckedFiles): void {
  const { remaps, ghosts, cores } = files.image;
  for (const { orig_id, remap_id, remap_type } of remaps) {
    const what = `check remap of file ${String(orig_id)}`;
    if (!files.has(orig_id)) badImage(`${what}: it does not exist`);
    if (remap_type === 'GHOST' && !ghosts.has(remap_id)) badImage(`${what}: no such ghost`);
    if (remap_type === 'PROCFS' && !cores.has(asNsPid(remap_id)))
      badImage(`${what}: no such process`);
    if (remap_type === 'LINKED') files.need(remap_id, ['REG'], what);
  }
}

/** A lock is held by a descriptor of a process, on a range of a file. */
function checkLocks({ locks, ids, fdinfo }: CheckpointImage): void {
  const tables = new Map<number, ReadonlySet<number>>();
  if (locks.length > 0) {
    for (const [id, table] of fdinfo) tables.set(id, new Set(table.map(({ fd }) => fd)));
  }
  for (const lock of locks) {
    const what = `check lock of process ${String(lock.pid)}`;
    const table = tables.get(ids.get(lock.pid)?.files_id ?? -1);
    if (!table) badImage(`${what}: there is no such process`);
    if (!table.has(lock.fd)) badImage(`${what}: no descriptor ${String(lock.fd)}`);
    checkLock(lock, what);
  }
}

function checkLock({ flag, type, start, len, mvas_uid }: FileLockEntry, what: string): void {
  if (!LOCK_FLAGS.has(flag) || type > WRITE_LOCK) badImage(`${what}: there is no such lock`);
  if (start < 0n || len < 0n) badImage(`${what}: its range is negative`);
  const isLease = flag === LOCK_FLAG.lease;
  if (isLease && start + len !== 0n) badImage(`${what}: a lease is of a whole file`);
  if (mvas_uid !== undefined && (!isLease || mvas_uid === NOBODY))
    badImage(`${what}: it has no such owner`);
}
