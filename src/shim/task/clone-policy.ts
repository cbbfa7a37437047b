// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { ShimError } from '../../common/errors.js';
import type { CloneRequest } from '../../criu/index.js';

/** Annotation: the number of a clone among those that are made together. */
export const INDEX = 'mvas.clone.index';
/** Annotation: the signal that PID 1 of a restored container gets before it runs. */
export const SIGNAL = 'mvas.clone.signal';

/** SIGKILL and SIGSTOP cannot be handled. */
const UNFIT: readonly number[] = [constants.signals.SIGKILL, constants.signals.SIGSTOP];

/** How a restored container learns that it is a clone. @throws ShimError `invalidArgument` naming the annotation */
export function cloneRequest(annotations: Readonly<Record<string, string>>): CloneRequest {
  const { [INDEX]: index, [SIGNAL]: signal } = annotations;
  return {
    index: index === undefined ? undefined : parseIndex(index),
    signal: parseSignal(signal),
  };
}

function parseIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw bad(INDEX, text, 'a number');
}

/** `SIGUSR1`, `USR1` or `10`. */
function parseSignal(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const known: Readonly<Record<string, number>> = constants.signals;
  const number = known[text] ?? known[`SIG${text}`] ?? (/^\d{1,2}$/.test(text) ? Number(text) : 0);
  if (number >= 1 && number <= 64 && !UNFIT.includes(number)) return number;
  throw bad(SIGNAL, text, 'a signal that can be handled');
}

function bad(name: string, value: string, wanted: string): ShimError {
  const message = `annotation ${name} is ${JSON.stringify(value)}, not ${wanted}`;
  return new ShimError('invalidArgument', message);
}
