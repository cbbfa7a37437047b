// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from '../context.js';
import { listKernel, type KernelListing } from '../kernel-objects.js';
import { keptBy } from '../kept.js';
import { summaryOf, type VasSummary } from '../summary.js';
import { formatAge, formatBytes, formatJson, formatTable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { listAll } from '../work/list.js';

const HEAD = [
  'ID',
  'NAME',
  'STATE',
  'CONTAINER',
  'CREATED',
  'SIZE',
  'SEGMENTS',
  'PROCESSES',
  'HOLDER',
  'CLONES',
  'KEPT',
];

/** Lists VASes, or kernel objects. */
export const ls = defineVerb({
  name: 'ls',
  aliases: ['list'],
  summary: 'list VASes; with -la, objects of the kernel module',
  usage: ['[-la | -lv | -ls] [--json | --quiet]'],
  speaker: 'mvas',
  description: `Lists the VASes of this host, newest first, and why each is kept. With -l it lists objects of the kernel module
    instead.`,
  options: {
    kernel: {
      type: 'string',
      short: 'l',
      value: 'KIND',
      help: 'list objects of the kernel module instead',
      choices: { a: 'VASes and segments', v: 'VASes only', s: 'segments only' },
    },
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print only ids' },
  },
  impliedBy: /^-l./,
  examples: [
    ['mvas ls --json', 'the VASes of this host, for programs'],
    ['mvas -la', 'all objects of the kernel module'],
  ],
  async run({ values: { kernel, json, quiet } }, context) {
    if (json && quiet) {
      throw new UsageError(`'--json' and '--quiet' exclude each other`);
    }
    if (kernel === undefined) await listStore(context, { json, quiet });
    else await listObjects(context, { kinds: KINDS[kernel] ?? [], json, quiet });
    return EXIT.ok;
  },
});

const KINDS: Readonly<Record<string, KernelListing['kinds']>> = {
  a: ['vas', 'segment'],
  v: ['vas'],
  s: ['segment'],
};

async function listStore(
  context: CliContext,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): Promise<void> {
  const store = await context.openStore();
  const entries = await listAll(store);
  const listed = (): readonly Listed[] =>
    entries.map((entry) => {
      const kept = keptBy(entry, store.life(entry), context.now());
      return { ...summaryOf(entry), kept };
    });
  if (json) context.writeOut(formatJson(listed()));
  else if (quiet) context.writeOut(formatTable(entries.map(({ id }) => [id])));
  else {
    const rows = listed().map((entry) => toRow(entry, context.now()));
    context.writeOut(formatTable([HEAD, ...rows]));
  }
}

async function listObjects(context: CliContext, listing: KernelListing): Promise<void> {
  const kernel = await context.openKernel();
  try {
    context.writeOut(listKernel(kernel, listing));
  } finally {
    kernel.close();
  }
}

/** What is shown of a VAS, and why it is kept. */
interface Listed extends VasSummary {
  readonly kept: readonly string[];
}

function toRow(entry: Listed, now: Date): readonly string[] {
  return [
    entry.id,
    entry.name || '-',
    entry.state,
    entry.containerId || '-',
    formatAge(entry.createdAt, now),
    formatBytes(entry.bytes),
    String(entry.segments),
    String(entry.processes),
    entry.holderPid === undefined ? '-' : String(entry.holderPid),
    String(entry.clones),
    entry.kept.join(', '),
  ];
}
