// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';

const NS_PER_US = 1000n;

/** The file that marks go to. */
const file = process.env['MVAS_TRACE'];

/**
 * Records that a point has been reached, to show where the time goes: appends `MICROSECONDS PID CPU NAME` to the file
 * that MVAS_TRACE names. MICROSECONDS is by the monotonic clock, which all processes share; CPU is the processor time of
 * this process, in microseconds. Does nothing without MVAS_TRACE.
 */
export function mark(name: string): void {
  if (file === undefined) return;
  const { user, system } = process.cpuUsage();
  const at = process.hrtime.bigint() / NS_PER_US;
  try {
    appendFileSync(file, `${String(at)} ${String(process.pid)} ${String(user + system)} ${name}\n`);
  } catch {
    // A trace must not cause a failure.
  }
}
