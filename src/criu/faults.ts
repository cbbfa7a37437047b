// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/**
 * Faults for tests: `MVAS_FAULT=<stage>` makes the engine fail at the end of a stage, and
 * `MVAS_FAULT=<stage>:kill` makes its process die there by SIGKILL.
 */
export function faultPoint(stage: string): void {
  killPoint(stage);
  if (process.env['MVAS_FAULT'] === stage) {
    throw new ShimError('internal', `fault injected after stage ${stage}`);
  }
}

/** A moment at which the process can be made to die, but not to fail: `MVAS_FAULT=<moment>:kill`. */
export function killPoint(moment: string): void {
  if (process.env['MVAS_FAULT'] === `${moment}:kill`) process.kill(process.pid, 'SIGKILL');
}

/** Whether a test has chosen a moment at which something fails. */
export function isFaulty(): boolean {
  return (process.env['MVAS_FAULT'] ?? '') !== '';
}
