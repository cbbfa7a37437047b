// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from './context.js';
import { resolveVas } from './resolve.js';
import { formatAge, formatBytes, formatJson, formatTable } from './text.js';
import type { VasDetails, VasSegment } from './vas-store.js';

/** Help of `mvas inspect`. */
export const INSPECT_HELP = `Usage: mvas inspect [--json] ID...

Shows all about one or more VASes. ID is an id, the beginning of one, or a name.

Options:
      --json   print an array of objects
`;

/** Runs `mvas inspect`; returns the exit code. All or nothing: an unknown id prints nothing. */
export async function runInspect(
  context: CliContext,
  { json, ids }: { readonly json: boolean; readonly ids: readonly string[] },
): Promise<number> {
  const store = await context.openStore();
  const entries = await store.list();
  const found = ids.map((wanted) => resolveVas(entries, wanted).id);
  const details: VasDetails[] = [];
  for (const id of found) details.push(await store.inspect(id));
  const now = context.now();
  context.writeOut(
    json ? formatJson(details) : details.map((vas) => describe(vas, now)).join('\n'),
  );
  return 0;
}

function describe(vas: VasDetails, now: Date): string {
  const facts = formatTable([
    ['Id:', vas.id],
    ['Name:', vas.name],
    ['State:', vas.state],
    ['Container:', vas.containerId],
    ['Created:', `${vas.createdAt.toISOString()} (${formatAge(vas.createdAt, now)})`],
    ['Size:', `${formatBytes(vas.bytes)} (${String(vas.bytes)} bytes)`],
    ['Processes:', String(vas.processes)],
    ['Holder:', vas.holderPid === undefined ? 'gone' : `pid ${String(vas.holderPid)}`],
    ['Backend:', vas.backend],
    ['Clones:', String(vas.clones)],
    ['Parent:', vas.parentId ?? 'none'],
    ['Directory:', vas.directory],
    ['Boot id:', vas.bootId],
    ['Segments:', String(vas.segments)],
  ]);
  const segments = formatTable(vas.segmentList.map(toRow));
  return facts + segments.replace(/^(?=.)/gm, '  ');
}

function toRow(segment: VasSegment): readonly string[] {
  const range = `${segment.start.toString(16)}-${segment.end.toString(16)}`;
  return [range, segment.protection, segment.kind, formatBytes(segment.bytes), segment.name];
}
