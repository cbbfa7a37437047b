// SPDX-License-Identifier: Apache-2.0

/** What one side needed for the same work. Milliseconds and bytes; null if unknown. */
export interface Figures {
  /** Standstill of the application as the engine itself counts it. */
  readonly frozenMs: number | null;
  /** From the call of the client to its end. */
  readonly checkpointMs: number;
  /** From the call that restores until the first PONG. */
  readonly restoreToFirstReplyMs: number;
  /** The same for a second one, while the first runs. */
  readonly secondRestoreToFirstReplyMs: number;
  /** Size of the checkpoint's files. */
  readonly imageBytes: number;
  /** Private_* of the second one's smaps_rollup, before it is written to. */
  readonly clonePrivateBytes: number;
}

/** Figures, and what else was observed. */
export interface Measurement {
  readonly figures: Figures;
  /** VmRSS of the Redis server when it was checkpointed. */
  readonly residentBytes: number;
  /** Keys before the checkpoint, and in each restored server. */
  readonly keysBefore: number;
  readonly keysAfter: readonly [number, number];
  /** Standstill seen from outside by sampling; covers the client's own pause as well. */
  readonly standstillMs: number;
  /** Memory of the shim daemon; absent where there is no shim. */
  readonly daemon?: DaemonMemory;
}

/** Resident memory of the shim, in bytes. */
export interface DaemonMemory {
  readonly beforeCheckpoint: number;
  readonly peakDuringCheckpoint: number;
  readonly afterCheckpoint: number;
  readonly peakDuringRestore: number;
  readonly afterRestore: number;
}

/** The median; of an even number the mean of the middle two. Precondition: not empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

/** Medians of each number in a series of records of the same shape; null if any run has none. */
export function medians(series: readonly Figures[]): Figures {
  const names = Object.keys(series[0] ?? {}) as (keyof Figures)[];
  const entries = names.map((name) => {
    const values = series.map((figures) => figures[name]);
    const known = values.filter((value) => value !== null);
    return [name, known.length === values.length ? round(median(known)) : null];
  });
  return Object.fromEntries(entries) as Figures;
}

/** Rounds to hundredths, which is more precise than any of these figures. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
