// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../native/abi/index.js';
import type { AreaKind, MappedArea, MemoryMap } from '../memory/memory-map.js';
import { totalBytes } from '../memory/page-runs.js';

/** A range of memory that a VAS holds. */
export interface Segment {
  /** Container pid of the process it belongs to. */
  readonly pid: NsPid;
  readonly start: bigint;
  readonly end: bigint;
  readonly kind: 'private' | 'shared' | 'file-private';
  /** As /proc/PID/maps shows it. */
  readonly protection: string;
  /** Bytes that are stored; the rest reads as zeros or as the file. */
  readonly bytes: number;
}

/*
 * There may be tens of thousands, and they are rarely read, so their file has three words for each. The first is
 * the address, whose low bits encode protection and kind; then come the end and the stored bytes.
 */
const WORDS = 3;
const KIND_SHIFT = 3;
const PROTECTION = PROT_READ | PROT_WRITE | PROT_EXEC;
const LOW_BITS = 0xfff;
const KINDS: readonly (readonly [AreaKind, Segment['kind']])[] = [
  ['anonymous', 'private'],
  ['anonymous-shared', 'shared'],
  ['file-private', 'file-private'],
];
const LOW_BITS_OF = new Map(KINDS.map(([kind], index) => [kind, index << KIND_SHIFT]));

/** What a VAS holds of a process. */
export function segmentsOf({ areas }: MemoryMap): MappedArea[] {
  return areas.filter(({ kind, place }) => {
    return kind === 'anonymous-shared' || (place !== undefined && LOW_BITS_OF.has(kind));
  });
}

/** The file of segments, one process after the other. */
export function encodeSegments(processes: readonly (readonly MappedArea[])[]): Uint8Array {
  const count = processes.reduce((sum, areas) => sum + areas.length, 0);
  const words = new BigUint64Array(count * WORDS);
  let at = 0;
  for (const areas of processes) {
    for (const { start, end, kind, prot, runs } of areas) {
      words[at] = start + BigInt(prot | (LOW_BITS_OF.get(kind) ?? 0));
      words[at + 1] = end;
      words[at + 2] = totalBytes(runs);
      at += WORDS;
    }
  }
  return new Uint8Array(words.buffer);
}

/** The inverse. `processes`: how many segments each has. */
export function decodeSegments(
  bytes: Uint8Array,
  processes: readonly { readonly pid: NsPid; readonly segments: number }[],
): Segment[] {
  const words = new BigUint64Array(Uint8Array.from(bytes).buffer);
  const pids = processes.flatMap(({ pid, segments }) => Array<NsPid>(segments).fill(pid));
  return pids.map((pid, index) => {
    const [first = 0n, end = 0n, stored = 0n] = words.subarray(index * WORDS);
    const low = Number(first) & LOW_BITS;
    const [, kind] = KINDS[low >> KIND_SHIFT] ?? ['', 'private'];
    return {
      pid,
      start: first - BigInt(low),
      end,
      kind,
      protection: protectionOf(low & PROTECTION),
      bytes: Number(stored),
    };
  });
}

function protectionOf(prot: number): string {
  const bits = [PROT_READ, PROT_WRITE, PROT_EXEC].map((bit, index) => {
    return (prot & bit) === 0 ? '-' : 'rwx'.charAt(index);
  });
  return bits.join('');
}
