// SPDX-License-Identifier: Apache-2.0
import { listSnapshots, writeSnapshot, type SnapshotRecord } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { headOf, moveHead } from './head.js';
import { FALLBACK, RESTORE, specOf } from './spec.js';
import { decodeTemplate, encodeTemplate } from './template.js';

/** A container, and what it has to do with snapshots. */
export interface Descendant {
  readonly id: string;
  /** Id of the snapshot that it goes on from; empty if there is none. */
  readonly head: string;
  /** Id or name of the snapshot without which it cannot be started; empty if there is none. */
  readonly startsFrom: string;
}

/** Snapshots and containers of one namespace. */
export interface Descent {
  readonly snapshots: readonly SnapshotRecord[];
  readonly containers: readonly Descendant[];
}

/** What would miss a snapshot. */
export interface Needs {
  /** Snapshots of other containers, which began from it. */
  readonly snapshots: readonly SnapshotRecord[];
  /** Ids of containers that are to start from it. */
  readonly containers: readonly string[];
}

/** Reads who descends from whom in a namespace. */
export async function readDescent(api: ContainerdApi): Promise<Descent> {
  const { containers } = await api.call('Containers/List', {});
  return {
    snapshots: listSnapshots(api.place.namespace),
    containers: containers.map((container) => ({
      id: container.id ?? '',
      head: headOf(container),
      startsFrom: startOf(container),
    })),
  };
}

/** The id of the snapshot from which a container went on to this one; empty if there was none. */
export function originOf({ template }: SnapshotRecord): string {
  return decodeTemplate(template).origin ?? '';
}

/** What would miss a snapshot. Pure. */
export function needsOf(
  { id, name, containerId }: SnapshotRecord,
  { snapshots, containers }: Descent,
): Needs {
  const names = [id, ...(name === '' ? [] : [name])];
  return {
    snapshots: snapshots.filter(
      (other) => other.containerId !== containerId && originOf(other) === id,
    ),
    containers: containers
      .filter(({ startsFrom }) => names.includes(startsFrom))
      .map((container) => container.id),
  };
}

/** Lets what descends from a snapshot that has been removed descend from what that descended from. */
export async function bridge(
  api: ContainerdApi,
  removed: SnapshotRecord,
  { snapshots, containers }: Descent,
): Promise<void> {
  const origin = originOf(removed);
  for (const snapshot of snapshots.filter((other) => originOf(other) === removed.id)) {
    const template = encodeTemplate({ ...decodeTemplate(snapshot.template), origin });
    writeSnapshot({ ...snapshot, template });
  }
  for (const { id, head } of containers) {
    if (head === removed.id) await moveHead(api, id, origin);
  }
}

/** A container whose spec cannot be read does not start at all. */
function startOf(container: Parameters<typeof specOf>[0]): string {
  try {
    const { [RESTORE]: wanted = '', [FALLBACK]: fallback } = specOf(container).annotations ?? {};
    return fallback === 'cold' ? '' : wanted;
  } catch {
    return '';
  }
}
