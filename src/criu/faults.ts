// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/**
 * Faults for tests: `MVAS_FAULT=<stage>` makes the engine fail at the end of a stage, and
 * `MVAS_FAULT=<stage>:kill` makes its process die there by SIGKILL.
 */
export function faultPoint(stage: string): void {
  const fault = process.env['MVAS_FAULT'];
  if (fault === undefined) return;
  const [wanted, how] = fault.split(':');
  if (wanted !== stage) return;
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  throw new ShimError('internal', `fault injected after stage ${stage}`);
}
