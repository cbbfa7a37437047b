// SPDX-License-Identifier: Apache-2.0
import { O, SEEK } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { RegFileEntry } from '../../../../image/types.js';
import type { Stage } from '../../stage.js';

/** Gives a file the position that it had. */
export function seek(stage: Stage, entry: RegFileEntry, number: number): void {
  if (entry.pos === 0n || entry.flags & O.path) return;
  stage.run(`seek in ${wordsOf(entry)}`, SYS.lseek, [number, entry.pos, SEEK.set]);
}

/** A file in messages. */
export function wordsOf({ id, name }: RegFileEntry): string {
  return `file ${String(id)} (${name})`;
}
