// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/** An invalid command line. Unlike other invalid arguments, it means exit code 2. */
export class UsageError extends ShimError {
  /** The verb whose help explains it. */
  readonly verb: string | undefined;

  constructor(message: string, options?: { cause?: unknown; verb?: string }) {
    super('invalidArgument', message, options);
    this.name = 'UsageError';
    this.verb = options?.verb;
  }
}
