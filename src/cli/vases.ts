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

function entryOf({ id, state, record, holder }: FoundVas): VasEntry {
  const processes = record?.processes ?? [];
  return {
    id,
    name: record?.name ?? '',
    state,
    containerId: record?.containerId ?? '',
    createdAt: new Date(record?.createdAt ?? 0),
    bytes: record?.bytes ?? 0,
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
    parentId: undefined,
    segmentList,
  };
}
