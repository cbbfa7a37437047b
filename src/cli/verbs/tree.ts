// SPDX-License-Identifier: Apache-2.0
import { CONTAINERD_OPTIONS, withContainerd } from '../containerd.js';
import { requireRoot } from '../root.js';
import { formatAge, formatBytes, formatJson, formatTable, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { readForest, type Node } from '../work/tree.js';

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
