// SPDX-License-Identifier: Apache-2.0
import { median, round } from './figures.js';

/** A point that was reached, in microseconds of the monotonic clock. */
export interface Mark {
  readonly at: number;
  readonly pid: number;
  /** Processor time of the process, in microseconds. */
  readonly cpu: number;
  /** The kernel's part of that. */
  readonly system: number;
  /** Page faults without input or output. */
  readonly faults: number;
  /** How often the process has waited. */
  readonly waits: number;
  /** Microseconds for which it has collected garbage since its last mark. */
  readonly gc: number;
  readonly name: string;
}

/** The time to a mark from the previous one, and from the first. Milliseconds. */
export interface Step {
  readonly name: string;
  readonly ms: number;
  /** Processor time that the process which reached it has used since its last mark. */
  readonly cpuMs: number;
  readonly sinceBeginMs: number;
}

/** What is done before each mark that ends a step of every restore, and by whom. */
const MEANINGS: Readonly<Record<string, string>> = {
  'client mounts': 'client: asks for the mounts of the snapshot',
  forked: 'containerd: bundle, launcher; standby: fork',
  serving: 'shim start: request, socket, cgroup',
  'answer start': 'shim start: address',
  'call Create': 'containerd: mounts, connects, sends Create',
  'stage find': 'Create: spec, rootfs, streams, image; engine: find',
  'stage fork': 'engine: fork of the VAS',
  'runtime create': 'engine: spec of the donor; spawn of runc',
  'stage open': 'engine: open, beside runc',
  'answer Create': 'Create: answer',
  'call Connect': 'containerd: Connect',
  'client created': 'containerd: answer',
  'call Start': 'containerd: Start',
  'runtime create done': 'runc: create, what is left of it',
  'stage donor': 'engine: pid of the donor',
  'stage plan': 'engine: plan',
  'stage join': 'engine: join',
  'stage adopt': 'engine: adopt',
  'stage build': 'engine: build',
  'stage release': 'engine: release',
  'answer Start': 'Start: pid file, streams',
  'call State': 'containerd: State',
  'client started': 'containerd: answer',
  'client reply': 'application: connect, first reply',
};

/** Parses lines of `MICROSECONDS PID CPU SYSTEM FAULTS WAITS GC NAME`. */
export function parseMarks(text: string): Mark[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const words = line.split(' ');
      const [at = 0, pid = 0, cpu = 0, system = 0, faults = 0, waits = 0, gc = 0] =
        words.map(Number);
      return { at, pid, cpu, system, faults, waits, gc, name: words.slice(7).join(' ') };
    });
}

/**
 * Steps of one restore: from the mark `client begin` to `client reply`, in the order of time. Of work done in
 * parallel, only the time since the previous mark counts.
 */
export function stepsOf(marks: readonly Mark[]): Step[] {
  const sorted = [...marks].sort((a, b) => a.at - b.at);
  const first = sorted.findIndex(({ name }) => name === 'client begin');
  const last = sorted.findIndex(({ name }) => name === 'client reply');
  const within = sorted.slice(first, last + 1);
  const begin = within[0]?.at ?? 0;
  const computed = new Map<number, number>();
  const steps = within.map(({ at, pid, cpu, name }, index) => {
    const cpuMs = (cpu - (computed.get(pid) ?? 0)) / 1000;
    computed.set(pid, cpu);
    const ms = (at - (within[index - 1]?.at ?? at)) / 1000;
    return { name, ms, cpuMs, sinceBeginMs: (at - begin) / 1000 };
  });
  return steps.slice(1);
}

/** Medians of each step over several restores, in the order of time; a step that only some have is left out. */
export function medianSteps(restores: readonly (readonly Step[])[]): Step[] {
  const names = (restores[0] ?? []).map(({ name }) => name);
  const all = names.map((name) => {
    const found = restores.flatMap((steps) => steps.find((step) => step.name === name) ?? []);
    const pick = (key: 'ms' | 'cpuMs' | 'sinceBeginMs'): number =>
      round(median(found.map((step) => step[key])));
    return {
      name,
      count: found.length,
      ms: pick('ms'),
      cpuMs: pick('cpuMs'),
      sinceBeginMs: pick('sinceBeginMs'),
    };
  });
  return all
    .filter(({ count }) => count === restores.length)
    .map(({ name, ms, cpuMs, sinceBeginMs }) => ({ name, ms, cpuMs, sinceBeginMs }))
    .sort((a, b) => a.sinceBeginMs - b.sinceBeginMs);
}

/** Rows of a table: what was done, how long it took, when it ended. */
export function traceRows(steps: readonly Step[]): string[][] {
  return [
    ['', 'ms', 'ends at', 'CPU of the shim'],
    ...steps.map(({ name, ms, cpuMs, sinceBeginMs }) => [
      MEANINGS[name] ?? name,
      ms.toFixed(1),
      sinceBeginMs.toFixed(1),
      cpuMs.toFixed(1),
    ]),
  ];
}
