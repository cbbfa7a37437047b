// SPDX-License-Identifier: Apache-2.0
import { cgroupOf, pidsIn } from '../../common/cgroup.js';
import type { ContainerdApi, Descendant } from '../../containerd/index.js';
import type { SnapshotRecord } from '../../criu/index.js';
import { CONTAINERD_OPTIONS, withContainerd } from '../containerd.js';
import { memoryUseOf, type MemoryUse } from '../memory-use.js';
import { requireRoot } from '../root.js';
import { formatAge, formatBytes, formatJson, formatTable, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const HEAD = ['SNAPSHOT OR CONTAINER', 'ID', 'STATE', 'CREATED', 'OWN', 'SHARED'];

/** Shows snapshots and containers by descent. */
export const tree = defineVerb({
  name: 'tree',
  summary: 'show snapshots and containers of containerd by descent',
  description: `Shows which snapshot each container goes on from, and which one each snapshot came after. A container
    goes on from the last snapshot that was taken of it, that it was put back to, or that it is a clone of. Containers
    that go on from none are left out.

    OWN is memory that nobody else maps, SHARED its part of what it shares: a page that three share counts as a third
    for each.`,
  options: {
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print only ids' },
  },
  examples: [['mvas tree', 'shows the snapshots and containers of the namespace default']],
  async run({ values }, context) {
    requireRoot(context, 'show snapshots and containers');
    const { json, quiet } = values;
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    const roots = await withContainerd(values, readForest);
    if (json) context.writeOut(formatJson(roots));
    else {
      const lines = roots.flatMap((root) => linesOf(root, '', ''));
      const rows = lines.map(({ label, node }) => toRow(label, node, context.now()));
      const ids = lines.map(({ node }) => [node.id]);
      context.writeOut(formatTable(quiet ? ids : [HEAD, ...rows]));
    }
    return EXIT.ok;
  },
});

/** A snapshot or a container, and what descends from it. */
interface Node {
  readonly kind: 'snapshot' | 'container';
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** ISO 8601; empty for a container. */
  readonly createdAt: string;
  readonly memory: MemoryUse;
  readonly children: readonly Node[];
}

async function readForest(api: ContainerdApi): Promise<readonly Node[]> {
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

/** A node and all below it, each behind what connects it with its parent. */
function linesOf(
  node: Node,
  own: string,
  further: string,
): { readonly label: string; readonly node: Node }[] {
  const label = `${own}${node.name === '' ? '-' : node.name}`;
  const last = node.children.length - 1;
  const below = node.children.flatMap((child, index) =>
    index === last
      ? linesOf(child, `${further}└─ `, `${further}   `)
      : linesOf(child, `${further}├─ `, `${further}│  `),
  );
  return [{ label, node }, ...below];
}

function toRow(
  label: string,
  { kind, id, state, createdAt, memory }: Node,
  now: Date,
): readonly string[] {
  return [
    printable(label),
    kind === 'container' ? 'container' : id,
    state,
    createdAt === '' ? '-' : formatAge(new Date(createdAt), now),
    formatBytes(memory.own),
    formatBytes(memory.shared),
  ];
}
