// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { ShimError } from '../common/errors.js';
import { inspectVas, listVases, removeVas, vasDirectory } from '../criu/index.js';
import type { VasEntry as FoundVas } from '../criu/index.js';
import type { VasDetails, VasEntry, VasSegment, VasStore } from './vas-store.js';

/** The VASes of this host. */
export const vases: VasStore = {
  list: async () => (await listVases()).map(entryOf),
  inspect: async (id) => detailsOf(await inspectVas(id)),
  remove,
};

/** What is shown of a VAS whose record is missing. */
const NO_RECORD = { name: '', containerId: '', bytes: 0, processes: [] } as const;

async function remove(id: string, force: boolean): Promise<void> {
  const { state } = await inspectVas(id);
  if (state === 'filling' && !force) {
    const remedy = 'wait for its end, or remove it by --force, which makes the checkpoint fail';
    const message = `remove VAS ${id}: a checkpoint is filling it; remedy: ${remedy}`;
    throw new ShimError('failedPrecondition', message);
  }
  await removeVas(id);
}

/** The time of a VAS without a record: when its directory was made, or last changed. */
function beginningOf(id: string): Date {
  return statSync(vasDirectory(id), { throwIfNoEntry: false })?.mtime ?? new Date();
}

function entryOf({ id, state, record, holder }: FoundVas): VasEntry {
  const { name, containerId, bytes, processes } = record ?? NO_RECORD;
  return {
    id,
    name,
    state,
    containerId,
    createdAt: record ? new Date(record.createdAt) : beginningOf(id),
    bytes,
    segments: processes.reduce((sum, process) => sum + process.segments.length, 0),
    processes: processes.length,
    holderPid: holder?.pid,
    clones: holder?.forks ?? 0,
  };
}

function detailsOf(found: FoundVas): VasDetails {
  const segmentList = (found.record?.processes ?? []).flatMap(({ pid, name, segments }) =>
    segments.map((segment): VasSegment => ({
      start: BigInt(segment.start),
      end: BigInt(segment.end),
      protection: segment.protection,
      kind: segment.kind,
      bytes: segment.bytes,
      name: `pid ${String(pid)} ${name}`,
    })),
  );
  return {
    ...entryOf(found),
    directory: vasDirectory(found.id),
    bootId: found.record?.bootId ?? '',
    backend: found.record?.backend ?? '',
    parentId: undefined,
    segmentList,
  };
}
