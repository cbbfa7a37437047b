// SPDX-License-Identifier: Apache-2.0

/**
 * The closed set of error classes, named after the gRPC codes they become at the RPC edge.
 * Source of the codes: google.rpc.Code.
 */
export const ERROR_CODES = {
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
} as const;

/** The class of a {@link ShimError}. */
export type ErrorKind = keyof typeof ERROR_CODES;

/**
 * The only error this project throws. `message` says what was attempted, on which object, and why
 * it failed: lower case, no full stop.
 */
export class ShimError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ShimError';
    this.kind = kind;
  }

  /** The gRPC status code of this error's kind. */
  get code(): number {
    return ERROR_CODES[this.kind];
  }

  /** Turns anything caught into a ShimError; a foreign error becomes `unknown` and stays as cause. */
  static from(error: unknown): ShimError {
    if (error instanceof ShimError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ShimError('unknown', message, { cause: error });
  }
}

/** The error that a peer reported. Codes that this project does not use become `unknown`. */
export function errorOf(code: number, message: string): ShimError {
  const kinds = Object.keys(ERROR_CODES) as ErrorKind[];
  return new ShimError(kinds.find((kind) => ERROR_CODES[kind] === code) ?? 'unknown', message);
}

/**
 * Throws if a signal has been aborted, for its reason if that is a ShimError.
 *
 * @param what was being done, and to which object
 */
export function assertNotAborted(signal: AbortSignal | undefined, what: string): void {
  if (!signal?.aborted) return;
  const reason: unknown = signal.reason;
  if (!(reason instanceof ShimError)) throw new ShimError('canceled', `${what}: canceled`);
  throw new ShimError(reason.kind, `${what}: ${reason.message}`);
}

/** Throws `internal` unless the claim holds. Stays enabled in production. */
export function assertInvariant(claim: boolean, message: string): asserts claim {
  if (!claim) throw new ShimError('internal', `broken invariant: ${message}`);
}

/** Throws `dataLoss` with the message: an image that cannot be what a checkpoint wrote. */
export function badImage(message: string): never {
  throw new ShimError('dataLoss', message);
}
