// SPDX-License-Identifier: Apache-2.0
import type { TaskTimersEntry } from '../../image/types.js';

/** The highest id that the restorer counts up to where the kernel chooses timer ids itself. */
const HIGHEST_COUNTED_ID = 99_999;

/** Why timers cannot be restored; undefined if they can. For a checkpoint as well as an image. */
export function timersProblem(
  { posix }: TaskTimersEntry,
  kernelHasTimerIds: boolean,
): string | undefined {
  const high = posix.find(({ it_id }) => it_id > HIGHEST_COUNTED_ID);
  if (kernelHasTimerIds || !high) return undefined;
  return `timer ${String(high.it_id)}: such a high id needs Linux 6.15 or later`;
}
