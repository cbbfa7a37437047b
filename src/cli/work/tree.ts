// SPDX-License-Identifier: Apache-2.0
import { cgroupOf, pidsIn } from '../../common/cgroup.js';
import type { ContainerdApi, Descendant } from '../../containerd/index.js';
import type { SnapshotRecord } from '../../criu/index.js';
import { memoryUseOf, type MemoryUse } from '../memory-use.js';

/** A snapshot or a container, and what descends from it. */
export interface Node {
  readonly kind: 'snapshot' | 'container';
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** ISO 8601; empty for a container. */
  readonly createdAt: string;
  readonly memory: MemoryUse;
  readonly children: readonly Node[];
}

/** The snapshots and containers of a namespace; those that go on from none come first, with what descends from them. */
export async function readForest(api: ContainerdApi): Promise<readonly Node[]> {
  const { originOf, readDescent } = await import('../../containerd/index.js');
  const { snapshots, containers } = await readDescent(api);
  const known = new Set<string>(snapshots.map(({ id }) => id));
  const below = async (parent: string): Promise<Node[]> => {
    const nodes: Node[] = [];
    for (const record of snapshots) {
      const origin = originOf(record);
      if ((known.has(origin) ? origin : '') !== parent) continue;
      nodes.push(await snapshotNode(record, await below(record.id)));
    }
    for (const container of containers) {
      if (parent !== '' && container.head === parent)
        nodes.push(await containerNode(api, container));
    }
    return nodes.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  };
  return await below('');
}

async function snapshotNode(record: SnapshotRecord, children: readonly Node[]): Promise<Node> {
  const { inspectVas } = await import('../../criu/index.js');
  const { id, name, createdAt } = record;
  const { state, holder } = await inspectVas(id);
  const memory = memoryUseOf(holder ? [holder.pid] : []);
  return { kind: 'snapshot', id, name, state, createdAt, memory, children };
}

async function containerNode(api: ContainerdApi, { id }: Descendant): Promise<Node> {
  const { taskOf } = await import('../../containerd/index.js');
  const { pid, status: state } = await taskOf(api, id);
  const cgroup = state === 'stopped' ? undefined : cgroupOf(pid);
  const memory = memoryUseOf(cgroup ? pidsIn(cgroup) : []);
  return { kind: 'container', id, name: id, state, createdAt: '', memory, children: [] };
}
