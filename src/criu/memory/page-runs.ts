// SPDX-License-Identifier: Apache-2.0

/** Contiguous pages: first address, and length in bytes. */
export interface PageRun {
  readonly start: bigint;
  readonly length: bigint;
}

/** Adds `[start, end)` behind all of `runs`; it becomes one with a last run that ends at `start`. */
export function appendRun(runs: PageRun[], start: bigint, end: bigint): void {
  const last = runs.at(-1);
  if (last && last.start + last.length === start) {
    runs[runs.length - 1] = { start: last.start, length: end - last.start };
  } else {
    runs.push({ start, length: end - start });
  }
}

/** Bytes of all runs. */
export function totalBytes(runs: readonly PageRun[]): bigint {
  return runs.reduce((sum, run) => sum + run.length, 0n);
}
