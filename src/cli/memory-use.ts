// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HostPid } from '../common/ids.js';

/** Memory of processes in bytes. */
export interface MemoryUse {
  /** What nobody else maps. */
  readonly own: number;
  /** Their part of what they share: a page that three processes map counts as a third for each (proc(5), Pss). */
  readonly shared: number;
}

const KIB = 1024;
const NOTHING: MemoryUse = { own: 0, shared: 0 };

/** What processes use together. One that has ended uses nothing. */
export function memoryUseOf(pids: readonly HostPid[]): MemoryUse {
  return pids
    .map(useOf)
    .reduce((sum, use) => ({ own: sum.own + use.own, shared: sum.shared + use.shared }), NOTHING);
}

function useOf(pid: HostPid): MemoryUse {
  try {
    return parseRollup(readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8'));
  } catch {
    return NOTHING; // It has ended.
  }
}

/** Parses smaps_rollup. Pure. */
export function parseRollup(text: string): MemoryUse {
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((total, [, kib = '0']) => total + Number(kib) * KIB, 0);
  const own = sum(/^Private_(?:Clean|Dirty): *(\d+) kB$/gm);
  return { own, shared: Math.max(0, sum(/^Pss: *(\d+) kB$/gm) - own) };
}
