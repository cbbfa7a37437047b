// SPDX-License-Identifier: Apache-2.0
import { detailsOf, type VasDetails, type VasSegment } from '../summary.js';
import { formatAge, formatBytes, formatJson, formatTable } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { inspectAll } from '../work/inspect.js';

/** Shows everything about VASes; prints nothing if any id is unknown. */
export const inspect = defineVerb({
  name: 'inspect',
  aliases: ['show'],
  summary: 'show details of VASes',
  speaker: 'mvas',
  description: 'Shows details of one or more VASes. ID is an id, the beginning of one, or a name.',
  options: { json: JSON_OPTION },
  arguments: {
    synopsis: 'ID...',
    min: 1,
    max: Infinity,
    wrong: 'needs the id or name of a VAS',
    words: 'vas',
  },
  examples: [['mvas inspect --json web', 'the VAS named web, for programs']],
  async run({ values: { json }, words }, context) {
    const store = await context.openStore();
    const found = await inspectAll(store, words);
    const details = found.map(({ vas, segments }) => detailsOf(vas, segments));
    const now = context.now();
    context.writeOut(
      json ? formatJson(details) : details.map((vas) => describe(vas, now)).join('\n'),
    );
    return EXIT.ok;
  },
});

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
    ['Pre-copy:', describePreCopy(vas)],
    ['Twins:', vas.twins === 0 ? 'none' : `of ${String(vas.twins)} processes`],
    ['Clones:', String(vas.clones)],
    ['Parent:', describeOrigin(vas)],
    ['Directory:', vas.directory],
    ['Boot id:', vas.bootId],
    ['Segments:', String(vas.segments)],
  ]);
  const segments = formatTable(vas.segmentList.map(toRow));
  return facts + segments.replace(/^(?=.)/gm, '  ');
}

/** What was copied while the container ran, before it was stopped for the rest. */
function describePreCopy({ preCopy }: VasDetails): string {
  if (!preCopy) return 'none';
  const rounds = `${String(preCopy.rounds)} ${preCopy.rounds === 1 ? 'round' : 'rounds'}`;
  return `${formatBytes(preCopy.bytes)} in ${rounds}`;
}

/** What it has been forked from, and has in addition. */
function describeOrigin({ origin, copied }: VasDetails): string {
  return origin === '' ? 'none' : `${origin}, and ${formatBytes(copied)} copied`;
}

function toRow(segment: VasSegment): readonly string[] {
  const range = `${segment.start.toString(16)}-${segment.end.toString(16)}`;
  return [range, segment.protection, segment.kind, formatBytes(segment.bytes), segment.name];
}
