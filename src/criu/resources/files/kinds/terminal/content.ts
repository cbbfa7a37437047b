// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { TtyDataEntry, TtyInfoEntry } from '../../../../image/types.js';
import { endOf, isHungUp, numberOf } from './terminal.js';

/** What a line discipline takes (N_TTY_BUF_SIZE, drivers/tty/n_tty.c, where one byte stays free). */
export const MOST_TAKEN = 4095;
/** What may wait before it, for the master (drivers/tty/pty.c: buffers of 8 KiB, and one more, each for twice as many bytes). */
const MOST_BEHIND = 20 * 1024;
export const NEWLINE = 0x0a;
/** Local modes (asm-generic/termbits.h). */
export const LOCAL = { canonical: 0o2, external: 0o200000 } as const;

/** Checks what an image says of unread data of terminals. Throws ShimError `dataLoss`. */
export function checkContent(
  content: readonly TtyDataEntry[],
  ttys: readonly TtyInfoEntry[],
): void {
  const masters = new Set(
    ttys.filter((info) => endOf(info) === 'master').map((info) => numberOf(info)),
  );
  const byId = new Map(ttys.map((info) => [info.id, info]));
  const seen = new Set<number>();
  for (const entry of content) {
    const what = `check tty-data: terminal ${String(entry.tty_id)}`;
    const info = byId.get(entry.tty_id) ?? badImage(`${what} does not exist`);
    if (seen.has(entry.tty_id)) badImage(`${what} is there twice`);
    seen.add(entry.tty_id);
    if (isHungUp(info) || !masters.has(numberOf(info))) badImage(`${what} has no master`);
    if (endOf(info) === 'master') checkOutput(entry, what);
    else checkInput(entry, info, what);
  }
}

function checkOutput({ data, mvas_ends: ends }: TtyDataEntry, what: string): void {
  if (ends.length > 0) badImage(`${what}: a master has no lines`);
  if (data.length > MOST_TAKEN + MOST_BEHIND) badImage(`${what} has too much unread data`);
}

function checkInput(
  { data, mvas_ends: ends }: TtyDataEntry,
  info: TtyInfoEntry,
  what: string,
): void {
  const modes = info.termios?.c_lflag ?? 0;
  if (endOf(info) !== 'slave' || !info.termios || modes & LOCAL.external) {
    badImage(`${what} has no unread data`);
  }
  if (data.length > MOST_TAKEN) badImage(`${what} has too much unread data`);
  const isCanonical = (modes & LOCAL.canonical) !== 0;
  if (!isCanonical && ends.length > 0) badImage(`${what}: a raw one has no lines`);
  const isSorted = ends.every((end, index) => end < data.length && end > (ends[index - 1] ?? -1));
  const newlines = isCanonical ? [...data.entries()].filter(([, byte]) => byte === NEWLINE) : [];
  const known = new Set(ends);
  if (!isSorted || !newlines.every(([at]) => known.has(at))) badImage(`${what}: no such lines`);
}
