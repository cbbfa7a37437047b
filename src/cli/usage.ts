// SPDX-License-Identifier: Apache-2.0
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ShimError } from '../common/errors.js';

/** A command line that makes no sense. Unlike whatever else is an invalid argument it is exit code 2. */
export class UsageError extends ShimError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('invalidArgument', message, options);
    this.name = 'UsageError';
  }
}

/** `parseArgs` of node:util. @throws UsageError for what it does not take */
export function parseOptions<T extends ParseArgsConfig>(
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    if (!(cause instanceof TypeError && 'code' in cause)) throw cause;
    // Behind the first sentence comes advice on `--`.
    const [what = ''] = cause.message.split('. ');
    throw new UsageError(what.charAt(0).toLowerCase() + what.slice(1), { cause });
  }
}
