// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { ShimError } from '../../common/errors.js';
import type { CloneRequest } from '../../criu/index.js';

/** Annotation: the number of a clone among those that are made together. */
export const INDEX = 'mvas.clone.index';
/** Annotation: the signal that PID 1 of a restored container gets before it runs. */
export const SIGNAL = 'mvas.clone.signal';

/** Annotation: a command that is run in a restored container before its processes run. */
export const HOOK = 'mvas.clone.hook';
/** Annotation: how long that may take, in milliseconds. */
export const HOOK_LIMIT = 'mvas.clone.hook.timeout-ms';
/** Annotation: `true` if the container is not to be restored unless it succeeds. */
export const HOOK_REQUIRED = 'mvas.clone.hook.required';
const DEFAULT_LIMIT_MS = 10_000;

/** A command that is run in a restored container before its processes run. */
export interface CloneHook {
  readonly args: readonly string[];
  readonly limitMs: number;
  readonly isRequired: boolean;
}

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

/** The hook that a container asks for. @throws ShimError `invalidArgument` naming the annotation */
export function cloneHook(annotations: Readonly<Record<string, string>>): CloneHook | undefined {
  const {
    [HOOK]: command,
    [HOOK_LIMIT]: limit = String(DEFAULT_LIMIT_MS),
    [HOOK_REQUIRED]: required = 'false',
  } = annotations;
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw bad(HOOK_LIMIT, limit, 'a number of milliseconds');
  if (!['true', 'false'].includes(required)) throw bad(HOOK_REQUIRED, required, 'true or false');
  if (command === undefined) return undefined;
  const rest = { limitMs: Number(limit), isRequired: required === 'true' };
  return { args: parseCommand(command), ...rest };
}

/** `["/bin/reseed", "now"]`, or what a shell runs. */
function parseCommand(text: string): readonly string[] {
  if (text.trim() === '') throw bad(HOOK, text, 'a command');
  if (!text.startsWith('[')) return ['/bin/sh', '-c', text];
  try {
    const args = JSON.parse(text) as unknown;
    if (Array.isArray(args) && args.length > 0 && args.every((arg) => typeof arg === 'string')) {
      return args;
    }
  } catch {
    // It is not JSON.
  }
  throw bad(HOOK, text, 'a list of strings');
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
