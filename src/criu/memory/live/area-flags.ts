// SPDX-License-Identifier: Apache-2.0
import { FLAGS_ROW, readAreaFlags, type AreaFlags } from '../../../native/area-flags.js';
import type { AreaTable } from '../../../native/area-table.js';
import { pageScan } from '../../../native/kernel-facts.js';
import type { HostPid } from '../../../common/ids.js';
import { decodeMaps, type Meaning, type SmapsVma } from '../../procfs/smaps.js';
import { readAreaTable, readSmaps } from '../../procfs/reader.js';

/**
 * What flags of areas mean, by the kernel's own bits. Which bit is which depends on the kernel and on how it was built,
 * so whole sets of bits are learned from what smaps says of processes that stand still.
 */
const meanings = new Map<bigint, Meaning>();
/** Of `[vsyscall]`, which has no flags of its own, and is the same everywhere. */
let ofVsyscall: Meaning | undefined;

/**
 * The areas of a process that stands still. Counters are those of smaps, or unknown: then all areas count as touched, and
 * none as made of huge pages.
 */
export function readStillAreas(pid: HostPid): readonly SmapsVma[] {
  // Without PAGEMAP_SCAN, the counters are needed.
  if (pageScan() === 'none' || process.env['MVAS_NO_PAGEMAP_SCAN'] !== undefined) {
    return readSmaps(pid);
  }
  return readByFlags(pid) ?? learnFrom(pid);
}

/**
 * Reads smaps of a process that stands still, or whose areas nobody changes meanwhile, and learns what the flags of its
 * areas mean.
 */
export function learnFrom(pid: HostPid): readonly SmapsVma[] {
  const vmas = readSmaps(pid);
  const flags = readAreaFlags(pid);
  if (flags) learn(vmas, flags);
  return vmas;
}

/** undefined if the kernel does not tell the flags, or some of them are not known yet. */
function readByFlags(pid: HostPid): readonly SmapsVma[] | undefined {
  if (meanings.size === 0) return undefined;
  const flags = readAreaFlags(pid);
  if (!flags) return undefined;
  const found: Meaning[] = [];
  for (let at = 2; at < flags.length; at += FLAGS_ROW) {
    const meaning = meanings.get(flags[at] ?? 0n);
    if (!meaning) return undefined;
    found.push(meaning);
  }
  const table = readAreaTable(pid);
  if (last && areSame(last, flags, table)) return last.vmas;
  const vmas = decodeMaps(table, (index) => found[index] ?? ofVsyscall);
  if (!vmas?.every((vma, index) => isAt(vma, flags, index))) return undefined;
  last = vmas.length <= MOST_KEPT ? { flags, table, vmas } : undefined;
  return vmas;
}

/** The areas of a process, and what they were decoded from. */
interface Decoded {
  readonly flags: AreaFlags;
  readonly table: AreaTable;
  readonly vmas: readonly SmapsVma[];
}

/** Areas to keep: of a process that has more, few others have the same. */
const MOST_KEPT = 1000;
/** Those of the last process: its siblings often have the same. */
let last: Decoded | undefined;

/** Whether a process maps the same as another, at the same addresses. */
function areSame(before: Decoded, flags: AreaFlags, { areas, texts, wrong }: AreaTable): boolean {
  const { table } = before;
  return (
    wrong === undefined &&
    bytesOf(flags).equals(bytesOf(before.flags)) &&
    Buffer.from(areas).equals(Buffer.from(table.areas)) &&
    bytesOf(texts).equals(bytesOf(table.texts))
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: AreaFlags | Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Of a process that runs, areas may have changed between the two. */
function learn(vmas: readonly SmapsVma[], flags: AreaFlags): void {
  const rows = new Map<bigint, number>();
  for (let at = 0; at < flags.length; at += FLAGS_ROW) rows.set(flags[at] ?? 0n, at);
  for (const { start, end, special, vmFlags, protectionKey } of vmas) {
    const at = rows.get(start);
    if (special === '[vsyscall]') ofVsyscall = { vmFlags, protectionKey };
    if (at === undefined || flags[at + 1] !== end) continue;
    meanings.set(flags[at + 2] ?? 0n, { vmFlags, protectionKey });
  }
}

/** Whether an area is the one that a row of flags is about; `[vsyscall]`, the last one, has none. */
function isAt({ start, end, special }: SmapsVma, flags: AreaFlags, index: number): boolean {
  const at = index * FLAGS_ROW;
  if (at === flags.length) return special === '[vsyscall]';
  return flags[at] === start && flags[at + 1] === end;
}
