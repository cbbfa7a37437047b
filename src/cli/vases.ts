// SPDX-License-Identifier: Apache-2.0
import { inspectVas, listVases, removeVas, vasDirectory } from '../criu/index.js';
import type { VasEntry as FoundVas } from '../criu/index.js';
import type { VasDetails, VasEntry, VasSegment, VasStore } from './vas-store.js';

/** The VASes of this host. */
export const vases: VasStore = {
  list: async () => (await listVases()).map(entryOf),
  inspect: async (id) => detailsOf(await inspectVas(id)),
  remove: (id) => removeVas(id),
};

/** What is shown of a VAS whose record is missing. */
const NO_RECORD = { name: '', containerId: '', createdAt: 0, bytes: 0, processes: [] } as const;

function entryOf({ id, state, record, holder }: FoundVas): VasEntry {
  const { name, containerId, createdAt, bytes, processes } = record ?? NO_RECORD;
  return {
    id,
    name,
    state,
    containerId,
    createdAt: new Date(createdAt),
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
