// SPDX-License-Identifier: Apache-2.0
import { USER_END } from '../../native/abi/index.js';

/** The kernel maps nothing below. */
const LOWEST = 0x1000n;

/** Addresses from `start` up to, but not including, `end`. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** The part of some ranges, in order of address, that lies in none of the others. */
export function subtract(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const sorted = [...others].sort((a, b) => (a.start < b.start ? -1 : 1));
  const rest: Range[] = [];
  let next = 0;
  for (const { start, end } of ranges) {
    let at = start;
    while ((sorted[next]?.end ?? end) <= start) next++;
    for (let i = next; at < end; i++) {
      const other = sorted[i];
      if (!other || other.start >= end) break;
      if (other.start > at) rest.push({ start: at, end: other.start });
      if (other.end > at) at = other.end;
    }
    if (at < end) rest.push({ start: at, end });
  }
  return rest;
}

/** Whether two lists have the same ranges. */
export function areSame(some: readonly Range[], others: readonly Range[]): boolean {
  const isSame = ({ start, end }: Range, other?: Range): boolean =>
    start === other?.start && end === other.end;
  return (
    some.length === others.length && some.every((range, index) => isSame(range, others[index]))
  );
}

/** What user space can have below and above these ranges. */
export function around(ranges: readonly Range[]): Range[] {
  let [low, high] = [USER_END, LOWEST];
  for (const { start, end } of ranges) {
    if (start < low) low = start;
    if (end > high) high = end;
  }
  return [
    { start: LOWEST, end: low },
    { start: high, end: USER_END },
  ];
}
