// SPDX-License-Identifier: Apache-2.0
import { parseSpan } from '../../common/quantities.js';
import { CONTAINERD_OPTIONS, withContainerd } from '../containerd.js';
import { requireRoot } from '../root.js';
import { formatJson, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { pruneSnapshots } from '../work/prune.js';

/** Removes snapshots that are old or many. */
export const prune = defineVerb({
  name: 'prune',
  summary: 'remove old snapshots, and what is left of failed ones',
  description: `Removes snapshots whose memory is lost, and what killed commands have left of snapshots that they were
    taking, also in containerd; with --older also snapshots of that age, and with --keep all but the newest ones of each container. With
    both, a snapshot is removed if it is that old and not among the newest. Prints the ids of what it has removed.

    A snapshot stays while containers are to start from it (annotation mvas.restore) or while there are snapshots of
    clones of it. What is no snapshot of this namespace stays, too.`,
  options: {
    older: { type: 'string', value: 'AGE', help: 'snapshots of this age: 90s, 15m, 12h, 7d' },
    keep: { type: 'string', value: 'N', help: 'all but the newest N of each container' },
    'dry-run': { type: 'boolean', help: 'only print what would be removed' },
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print nothing' },
  },
  examples: [
    ['mvas prune --keep 3', 'leaves three snapshots of each container'],
    ['mvas prune --older 7d --dry-run', 'shows which snapshots are a week old'],
  ],
  async run({ values }, context) {
    requireRoot(context, 'remove snapshots');
    const { json, quiet, 'dry-run': isDry } = values;
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    const limits = { olderMs: parseAge(values.older), keep: parseKeep(values.keep) };
    const store = await context.openStore();
    const all = await withContainerd(values, (api, signal) =>
      pruneSnapshots(api, store, { ...limits, isDry, now: context.now(), signal }),
    );
    if (json) context.writeOut(formatJson(all));
    else if (!quiet) context.writeOut(all.removed.map((id) => `${id}\n`).join(''));
    for (const message of all.failed) context.writeError(`mvas prune: ${printable(message)}\n`);
    return all.failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
});

function parseAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseSpan(text);
  if (ms !== undefined) return ms;
  throw new UsageError(`'--older ${text}': not a number with s, m, h or d`, { verb: 'prune' });
}

function parseKeep(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,6}$/.test(text)) return text === undefined ? text : Number(text);
  throw new UsageError(`'--keep ${text}': not a number`, { verb: 'prune' });
}
