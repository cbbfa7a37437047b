// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/** A command line that makes no sense. Unlike whatever else is an invalid argument it is exit code 2. */
export class UsageError extends ShimError {
  /** The verb whose help explains it. */
  readonly verb: string | undefined;

  constructor(message: string, options?: { cause?: unknown; verb?: string }) {
    super('invalidArgument', message, options);
    this.name = 'UsageError';
    this.verb = options?.verb;
  }
}
