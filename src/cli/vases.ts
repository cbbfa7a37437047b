// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import { inspectVas, listVases, readSegments, removeVas } from '../criu/index.js';
import type { VasStore } from './vas-store.js';

/** The VASes of this host. */
export const vases: VasStore = {
  ...{ list: listVases, inspect: inspectVas, segments: readSegments },
  remove,
};

async function remove(id: VasId, force: boolean): Promise<void> {
  const { state } = await inspectVas(id);
  if (state === 'filling' && !force) {
    const remedy = 'wait for its end, or remove it by --force, which makes the checkpoint fail';
    const message = `remove VAS ${id}: a checkpoint is filling it; remedy: ${remedy}`;
    throw new ShimError('failedPrecondition', message);
  }
  await removeVas(id);
}
