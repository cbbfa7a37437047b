// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import { isExtendedAttribute } from './constants.js';
import type { GhostFileEntry } from './types.js';

const MICROSECONDS = 1_000_000n;
const NANOSECONDS = 1_000_000_000;
const ACCESS_MODE = 3;
const O_PATH = 0o10000000;
const RDONLY = 0;
const RDWR = 2;

/** Checks what is made anew, as no name leads to it: deleted files, memory files, FIFOs' ends. Throws `dataLoss`. */
export function validateInodes(image: CheckpointImage): void {
  for (const [id, { entry }] of image.ghosts) checkGhost(id, entry);
  checkMemfds(image);
  const regs = new Map(image.files.map(({ id, reg }) => [id, reg]));
  for (const { id, fifo } of image.files) {
    if (fifo?.mvas_unwritten !== true) continue;
    const { flags = RDWR } = regs.get(fifo.regf_id ?? -1) ?? {};
    if ((flags & ACCESS_MODE) === RDONLY) continue;
    badImage(`check file ${String(id)}: the end of a FIFO that writes has a writer`);
  }
}

function checkGhost(id: number, { atim, mtim, ...entry }: GhostFileEntry): void {
  const what = `check deleted file ${String(id)}`;
  const { mvas_atim_nsec: atimNsec = 0, mvas_mtim_nsec: mtimNsec = 0, mvas_xattrs } = entry;
  const fractions = [atim?.tv_usec ?? 0n, mtim?.tv_usec ?? 0n];
  const isTime =
    fractions.every((usec) => usec < MICROSECONDS) &&
    [atimNsec, mtimNsec].every((nsec) => nsec < NANOSECONDS);
  if (!isTime) badImage(`${what}: there is no such time`);
  for (const { name, value } of mvas_xattrs) {
    const text = Buffer.from(name).toString('latin1');
    if (isExtendedAttribute(text, value.length)) continue;
    badImage(`${what}: ${JSON.stringify(text)} is no extended attribute`);
  }
}

/** One open file of each memory file at most was made along with it, for reading and writing. */
function checkMemfds({ files }: CheckpointImage): void {
  const made = new Set<number>();
  for (const { id, memfd } of files) {
    if (memfd?.mvas_made !== true) continue;
    const { flags, inode_id: inode } = memfd;
    const isPossible = (flags & (ACCESS_MODE | O_PATH)) === RDWR && !made.has(inode);
    if (!isPossible) badImage(`check file ${String(id)}: it was not made with its memory`);
    made.add(inode);
  }
}
