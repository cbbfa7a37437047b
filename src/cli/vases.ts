// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import {
  inspectVas,
  listVases,
  readSegments,
  removeVas,
  type SnapshotRecord,
} from '../criu/index.js';
import type { VasStore } from './vas-store.js';

/** The VASes of this host. */
export const vases: VasStore = {
  ...{ list: listVases, inspect: inspectVas, segments: readSegments },
  remove,
};

async function remove(id: VasId, force: boolean): Promise<void> {
  const { state, snapshot } = await inspectVas(id);
  if (state === 'filling' && !force) {
    const remedy = 'wait for its end, or remove it by --force, which makes the checkpoint fail';
    const message = `remove VAS ${id}: a checkpoint is filling it; remedy: ${remedy}`;
    throw new ShimError('failedPrecondition', message);
  }
  await removeVas(id);
  if (snapshot) await removeFiles(snapshot);
}

/** Removes what containerd keeps of a snapshot. The memory has gone by then, even if containerd does not answer. */
async function removeFiles(snapshot: SnapshotRecord): Promise<void> {
  const { ContainerdApi, decodeTemplate, dropFiles } = await import('../containerd/index.js');
  const { place, parent, container } = decodeTemplate(snapshot.template);
  const api = new ContainerdApi(place);
  try {
    await dropFiles(api, snapshot);
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    const what = `the memory of ${snapshot.id} is removed, but not its files, snapshot ${parent} of containerd`;
    const remedy = `remedy: ctr -n ${place.namespace} snapshots --snapshotter ${container.snapshotter} rm ${parent}`;
    throw new ShimError(kind, `${what}: ${message}; ${remedy}`, { cause });
  } finally {
    api.close();
  }
}
