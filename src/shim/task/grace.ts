// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/**
 * The result of `work`, which `signal` tells to stop. Once that has fired, `work` is waited for only a limited
 * time, so that nobody hangs behind work that ignores it.
 *
 * @throws ShimError the signal's reason when the grace has passed
 */
export async function withinGrace<T>(
  work: Promise<T>,
  signal: AbortSignal,
  graceMs: number,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: () => void = () => undefined;
  const overdue = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => {
        reject(ShimError.from(signal.reason));
      }, graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
