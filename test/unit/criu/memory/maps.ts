// SPDX-License-Identifier: Apache-2.0
import { asNsPid } from '../../../../src/common/ids.js';
import {
  NO_RUNS,
  type MappedArea,
  type MemoryMap,
} from '../../../../src/criu/memory/memory-map.js';
import type { PageRun } from '../../../../src/criu/memory/page-runs.js';
import { MAP_PRIVATE_ANONYMOUS } from '../../../../src/native/abi/index.js';

export const PAGE = 4096n;

/** Private anonymous memory, by numbers of pages. */
export function area(first: number, end: number, more: Partial<MappedArea> = {}): MappedArea {
  return {
    start: BigInt(first) * PAGE,
    end: BigInt(end) * PAGE,
    kind: 'anonymous',
    prot: 3,
    flags: MAP_PRIVATE_ANONYMOUS,
    advice: 0,
    key: 0,
    traits: 0,
    offset: 0n,
    object: 0n,
    file: undefined,
    name: undefined,
    runs: NO_RUNS,
    holes: undefined,
    place: undefined,
    ...more,
  };
}

/** Pages by their numbers: from each first up to, but not including, each end. */
export function pages(...ranges: readonly (readonly [first: number, end: number])[]): PageRun[] {
  return ranges.map(([first, end]) => {
    return { start: BigInt(first) * PAGE, length: BigInt(end - first) * PAGE };
  });
}

/** The memory of a process. */
export function mapOf(pid: number, ...areas: readonly MappedArea[]): MemoryMap {
  return { pid: asNsPid(pid), label: `pid ${String(pid)} (x)`, areas, guards: NO_RUNS };
}
