// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';

const NS_PER_US = 1000n;

/** Where marks go: MVAS_TRACE names a file. */
const file = process.env['MVAS_TRACE'];

/**
 * Notes that something has been reached, for whoever wonders where the milliseconds go: appends
 * `MICROSECONDS PID CPU NAME` to the file that MVAS_TRACE names: by the monotonic clock, which all processes share, and
 * the microseconds that this process has computed. Does nothing without MVAS_TRACE.
 */
export function mark(name: string): void {
  if (file === undefined) return;
  const { user, system } = process.cpuUsage();
  const at = process.hrtime.bigint() / NS_PER_US;
  try {
    appendFileSync(file, `${String(at)} ${String(process.pid)} ${String(user + system)} ${name}\n`);
  } catch {
    // A trace is not worth a failure.
  }
}
