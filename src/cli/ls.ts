// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from './context.js';
import { listKernel, type KernelListing } from './kernel-objects.js';
import { formatAge, formatBytes, formatJson, formatTable } from './text.js';
import type { VasEntry } from './vas-store.js';

/** Help of `mvas ls`. */
export const LS_HELP = `Usage: mvas ls [-la | -lv | -ls] [--json | --quiet]

Lists the VASes of this host, newest first.

Options:
  -la, -lv, -ls  what the kernel keeps instead (the module mvas): all, VASes alone, segments alone
      --json     print an array of objects
  -q, --quiet    print ids only
`;

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
];

/** Runs `mvas ls`; returns the exit code. */
export async function runLs(
  context: CliContext,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): Promise<number> {
  const store = await context.openStore();
  const entries = [...(await store.list())].sort(
    (a, b) => b.createdAt.getTime() - a.createdAt.getTime(),
  );
  if (json) context.writeOut(formatJson(entries));
  else if (quiet) context.writeOut(formatTable(entries.map(({ id }) => [id])));
  else {
    const rows = entries.map((entry) => toRow(entry, context.now()));
    context.writeOut(formatTable([HEAD, ...rows]));
  }
  return 0;
}

/** Runs `mvas ls -la`; returns the exit code. */
export function runLsKernel(context: CliContext, listing: KernelListing): number {
  const kernel = context.openKernel();
  try {
    context.writeOut(listKernel(kernel, listing));
    return 0;
  } finally {
    kernel.close();
  }
}

function toRow(entry: VasEntry, now: Date): readonly string[] {
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
  ];
}
