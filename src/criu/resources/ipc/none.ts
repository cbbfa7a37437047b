// SPDX-License-Identifier: Apache-2.0
import type { IpcParts } from '../../image/parts.js';

/** The parts of an image of a container without System V objects. */
export function noIpc(): IpcParts {
  return { segments: [], semaphores: [], messageQueues: [] };
}
