// SPDX-License-Identifier: Apache-2.0

import type { Range } from './ranges.js';

/** Contiguous pages: first address, and length in bytes. */
export interface PageRun {
  readonly start: bigint;
  readonly length: bigint;
}

/** Adds `[start, end)` behind all of `runs`; merges it with a last run that ends at `start`. */
export function appendRun(runs: PageRun[], start: bigint, end: bigint): void {
  const last = runs.at(-1);
  if (last && last.start + last.length === start) {
    runs[runs.length - 1] = { start: last.start, length: end - last.start };
  } else {
    runs.push({ start, length: end - start });
  }
}

/** All pages of two sets of runs; both in order. */
export function union(runs: readonly PageRun[], others: readonly PageRun[]): PageRun[] {
  const all: PageRun[] = [];
  const apart = [...runs, ...without(others, runs)].sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const { start, length } of apart) appendRun(all, start, start + length);
  return all;
}

/** The part of some runs that lies in none of the others; both in order. */
export function without(runs: readonly PageRun[], others: readonly PageRun[]): PageRun[] {
  const rest: PageRun[] = [];
  let next = 0;
  for (const { start, length } of runs) {
    const end = start + length;
    let at = start;
    for (let other = others[next]; other && other.start < end; other = others[next]) {
      if (other.start > at) appendRun(rest, at, other.start);
      const otherEnd = other.start + other.length;
      if (otherEnd > at) at = otherEnd;
      if (otherEnd > end) break;
      next++;
    }
    if (at < end) appendRun(rest, at, end);
  }
  return rest;
}

/** The part of some runs, in order, that lies in a range. */
export function within(runs: readonly PageRun[], range: Range): PageRun[] {
  const inside: PageRun[] = [];
  for (const run of runs) {
    const start = run.start > range.start ? run.start : range.start;
    const end = run.start + run.length < range.end ? run.start + run.length : range.end;
    if (start < end) inside.push({ start, length: end - start });
  }
  return inside;
}

/** Bytes of all runs. */
export function totalBytes(runs: readonly PageRun[]): bigint {
  if (runs.length === 0) return 0n;
  return runs.reduce((sum, run) => sum + run.length, 0n);
}
