// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { inspectVas } from './store.js';

const LOOK_MS = 10;
/** It copies hundreds of GiB in that time. */
const LIMIT_MS = 600_000;

/**
 * Waits until a VAS whose checkpoint is complete has all of its memory.
 *
 * @throws ShimError `failedPrecondition` if it will not have it, `deadlineExceeded`; AbortError
 */
export async function untilFilled(id: VasId, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const { state, record } = await inspectVas(id);
    if (state === 'complete') return;
    if (state !== 'filling') throw broken(id, record?.broken);
    if (performance.now() > end) {
      const message = `VAS ${id} is still being filled after ${String(LIMIT_MS / 1000)} s`;
      throw new ShimError('deadlineExceeded', message);
    }
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** The error for a VAS whose memory could not be filled. */
export function broken(id: VasId, why = 'the process that filled it has ended'): ShimError {
  const message = `VAS ${id} is broken: ${why}; remedy: take a new checkpoint`;
  return new ShimError('failedPrecondition', message);
}
