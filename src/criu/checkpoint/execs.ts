// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { Momentary } from '../retry.js';
import { OutsiderInTheWay } from '../tracee/outsiders.js';

/** A refusal because of a process that came by exec: without it, the checkpoint may succeed. */
export class ExecNotKept extends ShimError {}

/**
 * Marks an error that names a process that came by exec, and tells what can be done about it. Pure.
 *
 * @param labels how messages name these processes
 */
export function notKept(error: unknown, labels: readonly string[]): unknown {
  if (!(error instanceof ShimError) || error instanceof Momentary) return error;
  const { kind, message } = error;
  const who = labels.find((label) => message.includes(label));
  if (who === undefined || kind !== 'failedPrecondition') return error;
  const hint = `${who} came by exec and can be left out by exec=drop`;
  return new ExecNotKept(kind, `${message} (${hint})`, { cause: error });
}

/**
 * Tries again without execs, which waits for them to end.
 *
 * @throws what `attempt` throws; `reason` if they do not end
 */
export async function withoutExecs<T>(reason: ExecNotKept, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const isInTheWay = [error, (error as Error).cause].some(
      (one) => one instanceof OutsiderInTheWay,
    );
    throw isInTheWay ? reason : error;
  }
}
