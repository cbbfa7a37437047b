// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import type { ContainerdApi, Descent, Needs } from '../containerd/index.js';
import {
  inspectVas,
  lifeOf,
  listSnapshots,
  listVases,
  readSegments,
  removeVas,
  type SnapshotRecord,
  type VasEntry,
} from '../criu/index.js';
import { announcementOf } from './announce-end.js';
import type { RemoveOptions, VasStore } from './vas-store.js';

/** The VASes of this host. */
export const vases: VasStore = {
  ...{ list: listVases, inspect: inspectVas, segments: readSegments },
  ...{ life: lifeOf, needsOf: needsOfVas, remove },
};

async function remove(id: VasId, options: RemoveOptions): Promise<readonly VasId[]> {
  const entry = await inspectVas(id);
  const { state, snapshot } = entry;
  if (state === 'filling' && !options.force) {
    const remedy = 'wait for its end, or remove it by --force, which makes the checkpoint fail';
    const message = `remove VAS ${id}: a checkpoint is filling it; remedy: ${remedy}`;
    throw new ShimError('failedPrecondition', message);
  }
  const tell = announcementOf(entry, options.why ?? 'it has been removed');
  if (snapshot) {
    const removed = await removeSnapshot(snapshot, options);
    await tell();
    return removed;
  }
  await removeVas(id);
  await tell();
  return [id];
}

/** What would miss a VAS, in words. */
async function needsOfVas({ snapshot }: VasEntry): Promise<readonly string[]> {
  if (!snapshot) return [];
  const { ContainerdApi, decodeTemplate, needsOf } = await import('../containerd/index.js');
  const api = new ContainerdApi(decodeTemplate(snapshot.template).place);
  try {
    return wordsOf(needsOf(snapshot, await descentAt(api)), new Set());
  } finally {
    api.close();
  }
}

/** Removes a snapshot and what containerd keeps of it, unless others need it. */
async function removeSnapshot(
  snapshot: SnapshotRecord,
  options: RemoveOptions,
): Promise<readonly VasId[]> {
  const { ContainerdApi, decodeTemplate, bridge, needsOf } = await import('../containerd/index.js');
  const api = new ContainerdApi(decodeTemplate(snapshot.template).place);
  try {
    const removed: VasId[] = [];
    const needs = needsOf(snapshot, await descentAt(api));
    if (!options.cascade) assertUnneeded(snapshot, needs, options.doomed);
    else for (const { id } of needs.snapshots) removed.push(...(await remove(id, options)));
    await removeVas(snapshot.id);
    await removeFiles(api, snapshot);
    await bridge(api, snapshot, await descentAt(api));
    return [...removed, snapshot.id];
  } finally {
    api.close();
  }
}

/** Removes what containerd keeps of a snapshot. The memory has gone by then, even if containerd does not answer. */
async function removeFiles(api: ContainerdApi, snapshot: SnapshotRecord): Promise<void> {
  const { decodeTemplate, dropFiles } = await import('../containerd/index.js');
  const { place, parent, container } = decodeTemplate(snapshot.template);
  try {
    await dropFiles(api, snapshot);
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    const what = `the memory of ${snapshot.id} is removed, but not its files, snapshot ${parent} of containerd`;
    const remedy = `remedy: ctr -n ${place.namespace} snapshots --snapshotter ${container.snapshotter} rm ${parent}`;
    throw new ShimError(kind, `${what}: ${message}; ${remedy}`, { cause });
  }
}

/** A containerd that does not answer starts nothing from a snapshot. */
async function descentAt(api: ContainerdApi): Promise<Descent> {
  const { readDescent } = await import('../containerd/index.js');
  return await readDescent(api).catch((error: unknown) => {
    if (ShimError.from(error).kind !== 'unavailable') throw error;
    return { snapshots: listSnapshots(api.place.namespace), containers: [] };
  });
}

function assertUnneeded(
  { id, name }: SnapshotRecord,
  needs: Needs,
  doomed: ReadonlySet<VasId>,
): void {
  const words = wordsOf(needs, doomed);
  if (words.length === 0) return;
  const remedy = 'remedy: remove these first, or it with all snapshots that need it (--cascade)';
  const message = `remove snapshot ${name || id}: ${words.join(', ')}; ${remedy}`;
  throw new ShimError('failedPrecondition', message);
}

function wordsOf(needs: Needs, doomed: ReadonlySet<VasId>): readonly string[] {
  const others = needs.snapshots.filter((other) => !doomed.has(other.id));
  return [
    ...others.map((other) => `snapshot ${other.name || other.id} is of a clone of it`),
    ...needs.containers.map((container) => `container ${container} is to start from it`),
  ];
}
