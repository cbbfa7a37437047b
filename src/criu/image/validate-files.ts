// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import type { FdinfoEntry, FdTypes, FileEntry } from './types.js';
import { checkSockets } from './validate-sockets.js';
import { MAX_PID } from './validate-tasks.js';

/** Descriptors are below this: the kernel's default of fs.nr_open. */
export const MAX_FD = 1_048_576;

/** Which field of `file_entry` each kind of file is described by. */
const DETAIL = {
  REG: 'reg',
  INETSK: 'isk',
  NS: 'nsf',
  PACKETSK: 'psk',
  NETLINKSK: 'nlsk',
  EVENTFD: 'efd',
  EVENTPOLL: 'epfd',
  SIGNALFD: 'sgfd',
  TUNF: 'tunf',
  TIMERFD: 'tfd',
  INOTIFY: 'ify',
  FANOTIFY: 'ffy',
  EXT: 'ext',
  UNIXSK: 'usk',
  FIFO: 'fifo',
  PIPE: 'pipe',
  TTY: 'tty',
  MEMFD: 'memfd',
  PIDFD: 'pidfd',
} as const satisfies Partial<Record<FdTypes, keyof FileEntry>>;

const DETAILS: Partial<Record<FdTypes, (typeof DETAIL)[keyof typeof DETAIL]>> = DETAIL;

type FilesById = ReadonlyMap<number, FileEntry>;

/** Checks open files, descriptors and all that names them. Throws ShimError `dataLoss`. */
export function validateFiles(image: CheckpointImage): void {
  const files = new Map<number, FileEntry>();
  for (const file of image.files) {
    if (files.has(file.id)) badImage(`check file ${String(file.id)}: it occurs twice`);
    checkDetail(file);
    files.set(file.id, file);
  }
  for (const [id, table] of image.fdinfo) checkTable(id, table, files);
  for (const [pid, { cwd_id, root_id }] of image.fs) {
    for (const id of [cwd_id, root_id]) {
      needFile(files, id, ['REG'], `check directories of process ${String(pid)}`);
    }
  }
  checkDevices(image, files);
  checkSockets(image.files);
  checkQueues(image, files);
  checkNames(image, files);
  checkLocks(image);
}

function checkDetail(file: FileEntry): void {
  const what = `check file ${String(file.id)}`;
  const wanted = DETAILS[file.type];
  if (wanted === undefined) badImage(`${what}: files of type ${file.type} do not exist`);
  for (const field of Object.values(DETAIL)) {
    const detail = file[field];
    if ((detail !== undefined) !== (field === wanted)) {
      badImage(`${what}: type ${file.type} ${detail ? 'does not go with' : 'needs'} ${field}`);
    }
    if (detail && detail.id !== file.id) badImage(`${what}: its ${field} has another id`);
  }
}

function checkTable(id: number, table: readonly FdinfoEntry[], files: FilesById): void {
  const used = new Set<number>();
  for (const { fd, id: file, type } of table) {
    const what = `check descriptor ${String(fd)} of table ${String(id)}`;
    if (fd >= MAX_FD) badImage(`${what}: the number is too large`);
    if (used.has(fd)) badImage(`${what}: it occurs twice`);
    used.add(fd);
    needFile(files, file, [type], what);
  }
}

function needFile(files: FilesById, id: number, types: readonly string[], what: string): void {
  const type = files.get(id)?.type;
  if (type === undefined) badImage(`${what}: file ${String(id)} does not exist`);
  if (!types.includes(type)) {
    badImage(`${what}: file ${String(id)} is ${type}, not ${types.join(' or ')}`);
  }
}

/** Files that are views of something listed apart: terminals, memory files, epoll's targets. */
function checkDevices(image: CheckpointImage, byId: FilesById): void {
  checkTerminals(image, byId);
  const { files, memfds } = image;
  const inodes = new Set(memfds.map(({ inode_id }) => inode_id));
  for (const { id, memfd, epfd, fifo, pidfd } of files) {
    const what = `check file ${String(id)}`;
    if (memfd && !inodes.has(BigInt(memfd.inode_id)))
      badImage(`${what}: its memory does not exist`);
    if (epfd?.tfd.some(({ tfd }) => tfd >= MAX_FD)) badImage(`${what}: it watches no descriptor`);
    if (pidfd && Math.abs(pidfd.nspid) > MAX_PID) badImage(`${what}: it names no process`);
    if (fifo?.regf_id !== undefined) needFile(byId, fifo.regf_id, ['REG'], what);
  }
}

function checkTerminals({ files, ttys, ttyData }: CheckpointImage, byId: FilesById): void {
  const terminals = new Set(ttys.map(({ id }) => id));
  for (const { id, tty } of files) {
    const what = `check file ${String(id)}`;
    if (tty && !terminals.has(tty.tty_info_id)) badImage(`${what}: its terminal does not exist`);
    if (tty?.regf_id !== undefined) needFile(byId, tty.regf_id, ['REG'], what);
  }
  for (const { tty_id } of ttyData) {
    if (!terminals.has(tty_id))
      badImage(`check tty-data: terminal ${String(tty_id)} does not exist`);
  }
}

/** Unread data belongs to something that is open, and passes files that exist. */
function checkQueues(image: CheckpointImage, files: FilesById): void {
  const pipes = new Set(image.files.flatMap(({ pipe }) => pipe?.pipe_id ?? []));
  const fifos = new Set(image.files.flatMap(({ fifo }) => fifo?.pipe_id ?? []));
  for (const { entry } of image.pipesData) {
    if (!pipes.has(entry.pipe_id)) badImage(`check pipes-data: no pipe ${String(entry.pipe_id)}`);
  }
  for (const { entry } of image.fifoData) {
    if (!fifos.has(entry.pipe_id)) badImage(`check fifo-data: no FIFO ${String(entry.pipe_id)}`);
  }
  for (const { entry } of image.skQueues) {
    const what = `check queue of socket ${String(entry.id_for)}`;
    needFile(files, entry.id_for, ['UNIXSK', 'INETSK'], what);
    for (const id of entry.scm.flatMap(({ rights }) => rights)) {
      if (!files.has(id)) badImage(`${what}: passed file ${String(id)} does not exist`);
    }
  }
  const inodes = new Set(image.files.flatMap(({ isk }) => isk?.ino ?? []));
  for (const ino of image.tcpStreams.keys()) {
    if (!inodes.has(ino)) badImage(`check tcp-stream ${ino.toString(16)}: no such socket`);
  }
}

/** Deleted files: each remap leads from a file to a ghost, a file or a process. */
function checkNames({ remaps, ghosts, cores }: CheckpointImage, files: FilesById): void {
  for (const { orig_id, remap_id, remap_type } of remaps) {
    const what = `check remap of file ${String(orig_id)}`;
    if (!files.has(orig_id)) badImage(`${what}: it does not exist`);
    if (remap_type === 'GHOST' && !ghosts.has(remap_id)) badImage(`${what}: no such ghost`);
    if (remap_type === 'PROCFS' && !cores.has(remap_id)) badImage(`${what}: no such process`);
    if (remap_type === 'LINKED') needFile(files, remap_id, ['REG'], what);
  }
}

/** A lock is held by a descriptor of a process, on a range of a file. */
function checkLocks({ locks, ids, fdinfo }: CheckpointImage): void {
  const tables = new Map<number, ReadonlySet<number>>();
  if (locks.length > 0) {
    for (const [id, table] of fdinfo) tables.set(id, new Set(table.map(({ fd }) => fd)));
  }
  for (const { pid, fd, start, len } of locks) {
    const what = `check lock of process ${String(pid)}`;
    const table = tables.get(ids.get(pid)?.files_id ?? -1);
    if (!table) badImage(`${what}: there is no such process`);
    if (!table.has(fd)) badImage(`${what}: no descriptor ${String(fd)}`);
    if (start < 0n || len < 0n) badImage(`${what}: its range is negative`);
  }
}
