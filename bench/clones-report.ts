// SPDX-License-Identifier: Apache-2.0
import type { Changes } from './changes-work.js';
import type { Clones, ForkWork } from './fork-side.js';
import type { PostgresForks } from './postgres-work.js';
import { cell, formatTable, times } from './report.js';

type Sides<T> = Readonly<Record<'mvas' | 'criu', T | null>>;
type Row<T> = readonly [string, (figures: T) => number, 'ms' | 'MiB'];

/** What clones of a redis took, one column per side. */
export function clonesTable({ mib, count }: ForkWork, sides: Sides<Clones>): string {
  const number = String(count);
  const rows: Row<Clones>[] = [
    [`captured, and ${number} clones made`, ({ allMs }) => allMs, 'ms'],
    ['  a capture', ({ captureMs }) => captureMs, 'ms'],
    ['  a clone among the others', ({ oneMs }) => oneMs, 'ms'],
    ['  each in time', ({ allMs, captureMs }) => (allMs - captureMs) / count, 'ms'],
    ['  processor time for each', ({ cpuMs }) => cpuMs, 'ms'],
    ['  memory for each, all in', ({ cloneTotalBytes }) => cloneTotalBytes, 'MiB'],
    ['standstill of a way back', ({ rollbackStandstillMs }) => rollbackStandstillMs, 'ms'],
    ['  as its caller sees it', ({ rollbackMs }) => rollbackMs, 'ms'],
  ];
  return sidesTable(`redis of ${String(mib)} MiB into ${number}`, rows, sides);
}

/** What a PostgreSQL for a test took. */
export function postgresTable(sides: Sides<PostgresForks>): string {
  const rows: Row<PostgresForks>[] = [
    ['until a test has a server of its own', ({ medianMs }) => medianMs, 'ms'],
    ['  the slowest', ({ allMs }) => Math.max(...allMs), 'ms'],
  ];
  return sidesTable('a PostgreSQL for each test', rows, sides);
}

/** What forks took, one column for each size of the changes. */
export function changesTable(all: readonly Changes[]): string {
  const rows: Row<Changes>[] = [
    ['fork of a snapshot', ({ forkMs }) => forkMs, 'ms'],
    ['  its part of the disk', ({ forkDiskBytes }) => forkDiskBytes, 'MiB'],
    ['by hand: a copy for each', ({ copyMs }) => copyMs, 'ms'],
    ['the snapshot, once', ({ snapshotMs }) => snapshotMs, 'ms'],
  ];
  return formatTable([
    ['changes in the root filesystem', ...all.map(({ mib }) => `${String(mib)} MiB`)],
    ...rows.map(([label, pick, unit]) => [label, ...all.map((one) => cell(pick(one), unit))]),
  ]);
}

function sidesTable<T>(title: string, rows: readonly Row<T>[], { mvas, criu }: Sides<T>): string {
  return formatTable([
    [title, 'mvas', 'runc + CRIU', 'factor'],
    ...rows.map(([label, pick, unit]) => {
      const [ours, theirs] = [mvas && pick(mvas), criu && pick(criu)];
      return [label, cell(ours, unit), cell(theirs, unit), times(ours, theirs)];
    }),
  ]);
}
