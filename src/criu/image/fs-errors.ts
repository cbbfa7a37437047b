// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../../common/errors.js';

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'notFound',
  EEXIST: 'alreadyExists',
  EACCES: 'permissionDenied',
  EPERM: 'permissionDenied',
  EROFS: 'permissionDenied',
  ENOTDIR: 'invalidArgument',
  ELOOP: 'invalidArgument',
  ENOSPC: 'resourceExhausted',
  EDQUOT: 'resourceExhausted',
  EMFILE: 'resourceExhausted',
};

/** Awaits `work`; a failure of the file system becomes a ShimError `<what>: <errno name>`. */
export async function attempt<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw classified(what, error);
  }
}

/** Like {@link attempt}, for synchronous work. */
export function attemptSync<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw classified(what, error);
  }
}

function classified(what: string, error: unknown): ShimError {
  if (error instanceof ShimError) return error;
  const code = codeOf(error);
  const kind = KINDS[code] ?? 'unknown';
  return new ShimError(kind, `${what}: ${code || String(error)}`, { cause: error });
}

/** The errno name of a failed file system call, `''` for other errors. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
