// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { PAGE, S_IF, USER_END } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import type { GhostFileEntry } from '../image/types.js';
import { checkPairs } from './check-runs.js';
import { wholePages } from './memory-map.js';

/**
 * Checks the content of deleted files that lies in the VAS. It is dropped there once its file is made, so that no two
 * files can have it.
 *
 * @throws ShimError `dataLoss`
 */
export function validateContents({ ghosts, memfds, remaps }: CheckpointImage): void {
  const files = new Set(remaps.map(({ remap_id: id }) => id));
  const memories = new Set<number>();
  for (const { shmid: id } of memfds) (memories.has(id) ? files : memories).add(id);
  for (const [id, { entry, content }] of ghosts) {
    if (entry.mvas_park === undefined && entry.mvas_runs.length === 0) continue;
    const what = `check deleted file ${String(id)}`;
    if (content.length > 0) badImage(`${what}: it has content of its own, too`);
    if (files.has(id) && memories.has(id)) badImage(`${what}: several files have its content`);
    checkPlace(entry, what);
  }
}

function checkPlace({ mode, size = 0n, ...entry }: GhostFileEntry, what: string): void {
  const { mvas_park: place = 1n, mvas_runs: runs } = entry;
  const bytes = wholePages(size);
  const isPlace = place > 0n && place % PAGE === 0n && place + bytes <= USER_END;
  if (!isPlace || bytes === 0n || (mode & S_IF.mask) !== S_IF.reg) {
    badImage(`${what}: its content cannot lie there`);
  }
  checkPairs(runs, bytes / PAGE, () => what);
}
