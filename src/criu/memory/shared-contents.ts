// SPDX-License-Identifier: Apache-2.0
import { O, SYS } from '../../native/abi/index.js';
import type { PlanBuilder } from '../plan/builder.js';
import type { Sequence } from '../plan/sequence.js';
import type { Slot } from '../plan/values.js';
import { segmentOf, type SharedObject } from './memory-map.js';
import { madeRange } from './segments.js';

/** From so many bytes on, writing to the file takes less time than it takes to open it. */
const PAYS = 0x10000n;

/** What the contents of shared memory are planned with. */
interface ContentsOptions {
  readonly builder: PlanBuilder;
  readonly mapFiles?: Slot | undefined;
}

/** Whether any of these is filled through its file. */
export function arePaged(objects: readonly SharedObject[]): boolean {
  return objects.some(isPaged);
}

/**
 * In PID 1: fills shared memory that it has made. Where there is much to fill, that goes through the file that the kernel
 * has made for it: a page fault for each page takes twice as long. Only root of the host may open it; for others the
 * memory is filled by copying.
 */
export function planContents(
  object: SharedObject,
  { builder, mapFiles }: ContentsOptions,
  root: Sequence,
): void {
  const { place, runs } = object;
  const { start: at, end } = madeRange(object);
  const what = 'fill shared memory';
  if (mapFiles === undefined || !isPaged(object)) {
    for (const { start, length } of runs) root.copy(what, at + start, place + start, length);
    return;
  }
  const file = builder.slot();
  const name = builder.string(`${at.toString(16)}-${end.toString(16)}`);
  const args = [mapFiles, name, O.rdwr | O.cloexec, 0];
  root.syscall('open shared memory', SYS.openat, args, { store: file, tolerate: true });
  for (const { start: offset, length } of runs) {
    root.fill(what, at + offset, { from: place + offset, length, file, offset });
  }
  root.syscall('close shared memory', SYS.close, [file], { tolerate: true });
}

/** A segment need not have whole pages, and a write would make it larger: it is never filled through its file. */
function isPaged({ id, runs }: SharedObject): boolean {
  return segmentOf(id) === undefined && runs.reduce((sum, { length }) => sum + length, 0n) >= PAYS;
}
