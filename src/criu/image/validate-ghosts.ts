// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import { isExtendedAttribute } from './constants.js';
import type { GhostFileEntry } from './types.js';

const MICROSECONDS = 1_000_000n;
const NANOSECONDS = 1_000_000_000;

/** Checks the content of deleted files and memory files, which is created anew. Throws `dataLoss`. */
export function validateGhosts({ ghosts }: CheckpointImage): void {
  for (const [id, { entry }] of ghosts) checkGhost(id, entry);
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
    badImage(`${what}: ${JSON.stringify(text)} is not an extended attribute`);
  }
}
