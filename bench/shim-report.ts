// SPDX-License-Identifier: Apache-2.0
import type { Latency } from './latency-work.js';
import type { PodMemory } from './memory-work.js';
import { formatTable } from './report.js';
import type { ShimFigures } from './shim-work.js';

const MIB = 1024 * 1024;

/** A table of what shims cost, one column per side; empty when nothing was measured. */
export function shimTable({ run, exec, memory }: ShimFigures): string {
  const sides = Object.keys(run ?? exec ?? memory ?? {});
  if (sides.length === 0) return '';
  const rows = [
    ...(run ? [latencyRow('ctr run --rm of an echo', sides, run)] : []),
    ...(exec ? [latencyRow('ctr tasks exec of true', sides, exec)] : []),
    ...(memory ? memoryRows(sides, memory) : []),
  ];
  return formatTable([['', ...sides], ...rows]);
}

function latencyRow(
  label: string,
  sides: readonly string[],
  all: Readonly<Record<string, Latency>>,
): string[] {
  return [label, ...sides.map((side) => `${(all[side]?.medianMs ?? NaN).toFixed(1)} ms`)];
}

function memoryRows(
  sides: readonly string[],
  all: Readonly<Record<string, readonly PodMemory[]>>,
): string[][] {
  const counts = (all[sides[0] ?? ''] ?? []).map(({ containers }) => containers);
  return counts.flatMap((count, index) => {
    const row = (label: string, pick: (memory: PodMemory) => number): string[] => {
      const values = sides.map((side) => all[side]?.[index]);
      const cells = values.map((memory) =>
        memory ? `${(pick(memory) / MIB).toFixed(1)} MiB` : 'not told',
      );
      return [`${label}, pod of ${String(count)}`, ...cells];
    };
    return [
      row('PSS of the daemon', (memory) => memory.daemonPss),
      row('RSS of the daemon', (memory) => memory.daemonRss),
      row('PSS of its standby', (memory) => memory.standbyPss),
    ];
  });
}
