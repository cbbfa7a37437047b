// SPDX-License-Identifier: Apache-2.0
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { countOf } from '../image/vma-rows.js';

/** Threads, files and areas of memory. */
const MOST = 500;

/** Whether planning takes less time than runc does: the plan of a large image warms up its own code. */
export function isSmall({ cores, files, mms }: CheckpointImage): boolean {
  let count = cores.size + files.length;
  for (const { vmas } of mms.values()) count += countOf(vmas);
  return count <= MOST;
}
