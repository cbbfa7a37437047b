// SPDX-License-Identifier: Apache-2.0
import { learnKernel } from '../native/kernel/index.js';
import { isDue } from './memory/live/sample-areas.js';

/**
 * Has this process, and those that it forks, know how the kernel keeps what it shows nobody. A checkpoint would find it out
 * while a container stands still.
 *
 * @param stamp as for {@link learnUsualFlags}
 */
export function learnKernelObjects(stamp: string): void {
  learnKernel(() => isDue(stamp));
}
