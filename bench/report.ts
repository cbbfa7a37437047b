// SPDX-License-Identifier: Apache-2.0
import { round, type Measurement } from './figures.js';
import type { StdoutFigures } from './stdout-work.js';

const MIB = 1024 * 1024;

/** What is shown about one side. */
export type Shown = Pick<Measurement, 'figures' | 'standstillMs'>;

type Row = readonly [string, (shown: Shown) => number | null, 'ms' | 'MiB'];

const ROWS: readonly Row[] = [
  ['standstill, as the engine counts it', ({ figures }) => figures.frozenMs, 'ms'],
  ['standstill, sampled from outside', ({ standstillMs }) => standstillMs, 'ms'],
  ['checkpoint, as its client sees it', ({ figures }) => figures.checkpointMs, 'ms'],
  ['restore until the first reply', ({ figures }) => figures.restoreToFirstReplyMs, 'ms'],
  ['second restore, beside the first', ({ figures }) => figures.secondRestoreToFirstReplyMs, 'ms'],
  ['checkpoint files', ({ figures }) => figures.imageBytes, 'MiB'],
  ['private memory of the second', ({ figures }) => figures.clonePrivateBytes, 'MiB'],
];

/** A table of figures, one column per side, and how many times less the first needs than the second. */
export function figuresTable(sides: Readonly<Record<string, Shown>>): string {
  const names = Object.keys(sides);
  const factor = names.length > 1;
  const head = ['', ...names, ...(factor ? ['factor'] : [])];
  const body = ROWS.map(([label, pick, unit]) => {
    const values = Object.values(sides).map(pick);
    const cells = values.map((value) => cell(value, unit));
    return [label, ...cells, ...(factor ? [times(values[0], values[1])] : [])];
  });
  return formatTable([head, ...body]);
}

/** A table of what 1 GiB through stdout took, one column per side. */
export function stdoutTable(sides: Readonly<Record<string, StdoutFigures>>): string {
  const all = Object.values(sides);
  const mib = (bytes: number): string => cell(bytes, 'MiB');
  const seconds = (value: number): string => `${value.toFixed(2)} s`;
  return formatTable([
    ['', ...Object.keys(sides)],
    ['until the reader has it all', ...all.map((one) => seconds(one.seconds))],
    ['CPU time of the daemon', ...all.map((one) => seconds(one.daemonCpuSeconds))],
    ['memory of the daemon before', ...all.map((one) => mib(one.daemonBefore))],
    ['memory of the daemon at most', ...all.map((one) => mib(one.daemonPeak))],
  ]);
}

/** Lines of text with columns of equal width; all but the first column are aligned to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) => {
    const cells = row.map((text, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? text.padEnd(width) : text.padStart(width);
    });
    return cells.join('   ').trimEnd();
  });
  return lines.join('\n');
}

/** A figure, or that it is not known. */
export function cell(value: number | null, unit: 'ms' | 'MiB'): string {
  if (value === null) return 'not told';
  return unit === 'ms' ? `${value.toFixed(1)} ms` : `${(value / MIB).toFixed(2)} MiB`;
}

/** How many times less the first needs. */
export function times(ours: number | null | undefined, theirs: number | null | undefined): string {
  if (typeof ours !== 'number' || typeof theirs !== 'number' || ours <= 0) return '';
  return `${String(round(theirs / ours))}x`;
}
