// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../../common/errors.js';

/** The message of the last error in runc's JSON log; undefined if it has none. Pure. */
export function lastError(log: string): string | undefined {
  for (const line of log.trimEnd().split('\n').reverse()) {
    const entry = parseEntry(line);
    if (entry?.level === 'error' && typeof entry.msg === 'string') return entry.msg;
  }
  return undefined;
}

function parseEntry(line: string): { level?: unknown; msg?: unknown } | undefined {
  try {
    return JSON.parse(line) as { level?: unknown; msg?: unknown };
  } catch {
    return undefined;
  }
}

/** Of longer messages, a client sees beginning and end: gRPC has errors in a header, which must not be large. */
const MOST_SHOWN = 2_000;

function shortened(message: string): string {
  if (message.length <= MOST_SHOWN) return message;
  return `${message.slice(0, MOST_SHOWN / 2)} … ${message.slice(-MOST_SHOWN / 2)}`;
}

const GONE = /process already finished|container not running|no such process|does not exist/i;

/** The class of an error of runc, judged by its words, since runc offers nothing else. Pure. */
export function fromRuncLog(verb: string, id: string, message: string): ShimError {
  return new ShimError(
    kindOf(verb, message),
    `OCI runtime ${verb} failed: ${shortened(message)} (task ${id})`,
  );
}

function kindOf(verb: string, message: string): ErrorKind {
  // Errors of `create` and `exec` are about what the container is made of.
  if (!/^(create|exec)$/.test(verb) && GONE.test(message)) return 'notFound';
  if (/cannot unmarshal|invalid character/i.test(message)) return 'invalidArgument';
  if (/already exists|already in use/i.test(message)) return 'alreadyExists';
  return 'unknown';
}
