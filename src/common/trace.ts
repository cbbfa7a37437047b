// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import { GCProfiler } from 'node:v8';

const NS_PER_US = 1000n;

/** Times the collections of garbage since the last mark. */
let collections: GCProfiler | undefined;

/**
 * Records that a point has been reached, to show where the time goes: appends
 * `MICROSECONDS PID CPU SYSTEM FAULTS WAITS GC NAME` to the file that MVAS_TRACE names. MICROSECONDS is by the monotonic clock,
 * which all processes share. The next are what this process has used: its processor time and the kernel's part of it, in
 * microseconds; page faults without input or output; how often it has waited, for a thread or for anything else. GC is
 * how long garbage was collected since its last mark, in microseconds. Does nothing without MVAS_TRACE.
 */
export function mark(name: string): void {
  // Asked each time: a fork of a standby has the environment of its caller.
  const file = process.env['MVAS_TRACE'];
  if (file === undefined) return;
  const used = process.resourceUsage();
  const { userCPUTime, systemCPUTime, minorPageFault, voluntaryContextSwitches } = used;
  const cpu = userCPUTime + systemCPUTime;
  const at = process.hrtime.bigint() / NS_PER_US;
  const counts = [cpu, systemCPUTime, minorPageFault, voluntaryContextSwitches, collected()];
  const line = [at, process.pid, ...counts, name].map(String).join(' ');
  try {
    appendFileSync(file, `${line}\n`);
  } catch {
    // A trace must not cause a failure.
  }
}

/** Microseconds of garbage collection since the last call; 0 at the first one. */
function collected(): number {
  const found = collections?.stop();
  collections = new GCProfiler();
  collections.start();
  const costs = (found?.statistics ?? []).map(({ cost }) => cost);
  return Math.round(costs.reduce((sum, cost) => sum + cost, 0));
}
