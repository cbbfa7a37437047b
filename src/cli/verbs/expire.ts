// SPDX-License-Identifier: Apache-2.0
import { parseSize } from '../../common/quantities.js';
import { requireRoot } from '../root.js';
import { formatJson, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { expire as endAll } from '../work/expire.js';

/** Ends VASes whose time is over. */
export const expire = defineVerb({
  name: 'expire',
  summary: 'end VASes whose time is over or whose image is gone',
  description: `Ends the VASes that have not been used for their time to live, and those with a lease whose image has been
    removed, of all namespaces. It runs by itself when one of them may have to end; 'mvas ls' says why each is kept. One
    that is being filled, from which a container lives that was restored from it, or without which a container cannot start
    does not end. Prints the ids of those that have ended.

    With --room it also removes others that nobody uses, the longest unused first, until they have freed that much. If they
    cannot, none of them is removed.`,
  options: {
    room: { type: 'string', value: 'BYTES', help: 'free that much: 1048576, 512MiB, 8GiB' },
    'dry-run': { type: 'boolean', help: 'only print what would end' },
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print nothing' },
  },
  examples: [
    ['mvas expire --dry-run', 'shows what would end now'],
    ['mvas expire --room 2GiB', 'frees 2 GiB that nobody uses'],
  ],
  async run({ values }, context) {
    requireRoot(context, 'remove VASes');
    const { json, quiet, 'dry-run': isDry } = values;
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    const room = values.room === undefined ? 0 : parseSize(values.room);
    if (room === undefined) throw new UsageError(`'--room ${values.room ?? ''}': not a size`);
    const store = await context.openStore();
    const { ended, failed } = await endAll(store, { room, isDry, now: context.now() });
    if (json) context.writeOut(formatJson({ ended, failed }));
    else if (!quiet) context.writeOut(ended.map(({ id }) => `${id}\n`).join(''));
    for (const message of failed) context.writeError(`mvas expire: ${printable(message)}\n`);
    return failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
});
