// SPDX-License-Identifier: Apache-2.0
import { median, round } from './figures.js';
import type { Mark } from './trace.js';

/** What a step of a checkpoint costs the process that does it. */
export interface StepCosts {
  readonly ms: number;
  readonly cpuMs: number;
  /** The kernel's part of that: system calls and page faults. The kernel estimates it by samples, so only averages tell anything. */
  readonly systemMs: number;
  readonly faults: number;
  /** How often it waited, mostly for a thread or a process of ours: hops. */
  readonly waits: number;
  /** Garbage collection. */
  readonly gcMs: number;
}

/** A step, which ends with the mark of its name. */
export interface CheckpointStep extends StepCosts {
  readonly name: string;
}

/** Steps of the last attempt of one checkpoint, in order: each ends with a mark, and begins with the one before. */
export function checkpointSteps(marks: readonly Mark[]): CheckpointStep[] {
  const first = marks.findLastIndex(({ name }) => name === 'checkpoint');
  const [begin] = marks.slice(Math.max(first, 0));
  const own = marks.slice(Math.max(first, 0)).filter(({ pid }) => pid === begin?.pid);
  const steps = own.slice(1).map((mark, index) => {
    const before = own[index] ?? mark;
    return {
      name: mark.name,
      ms: (mark.at - before.at) / 1000,
      cpuMs: (mark.cpu - before.cpu) / 1000,
      systemMs: (mark.system - before.system) / 1000,
      faults: mark.faults - before.faults,
      waits: mark.waits - before.waits,
      gcMs: mark.gc / 1000,
    };
  });
  // What came before was a rehearsal, or failed for a moment.
  return steps.filter(({ name }, at) => steps.findLastIndex((one) => one.name === name) === at);
}

/** Medians of each step, and the average of what is only estimated. A step that only some checkpoints have is left out. */
export function typicalSteps(
  checkpoints: readonly (readonly CheckpointStep[])[],
): CheckpointStep[] {
  return (checkpoints[0] ?? []).flatMap(({ name }) => {
    const found = checkpoints.flatMap((steps) => steps.find((step) => step.name === name) ?? []);
    if (found.length < checkpoints.length) return [];
    const middle = (key: keyof StepCosts): number => round(median(found.map((step) => step[key])));
    const mean = (key: keyof StepCosts): number =>
      round(found.reduce((sum, step) => sum + step[key], 0) / found.length);
    return [
      {
        name,
        ...{ ms: middle('ms'), cpuMs: middle('cpuMs'), systemMs: mean('systemMs') },
        ...{ faults: middle('faults'), waits: middle('waits'), gcMs: mean('gcMs') },
      },
    ];
  });
}

/** Rows of a table. */
export function stepRows(steps: readonly CheckpointStep[]): string[][] {
  return [
    ['', 'ms', 'CPU', 'system', 'faults', 'waits', 'GC'],
    ...steps.map(({ name, ms, cpuMs, systemMs, faults, waits, gcMs }) => {
      const times = [ms, cpuMs, systemMs].map((value) => value.toFixed(1));
      return [name, ...times, String(faults), String(waits), gcMs.toFixed(1)];
    }),
  ];
}
