// SPDX-License-Identifier: Apache-2.0
import type { RegFileEntry } from '../../image/types.js';
import { O, REOPENABLE, S_IF } from '../../../native/abi/index.js';

/** Flags of open(2) that a file of the image is opened with. */
export function openFlags(entry: RegFileEntry): number {
  const isDirectory = ((entry.mode ?? 0) & S_IF.mask) === S_IF.dir;
  const flags = entry.flags & REOPENABLE;
  return isDirectory ? flags | O.directory : flags;
}
