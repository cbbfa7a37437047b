// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from '../context.js';
import { formatJson, printable } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { removeAll, type RemovalOutcome } from '../work/remove.js';

/** Removes VASes and kernel objects. */
export const rm = defineVerb({
  name: 'rm',
  aliases: ['remove'],
  summary: 'remove VASes and free their memory; also objects of the kernel module',
  speaker: 'mvas',
  description: `Removes one or more VASes and frees their memory. ID is an id, the beginning of one, or a
    name. Containers restored from a VAS keep running; its checkpoint can no longer be restored. If one VAS
    cannot be removed, the others still are. A VAS that is being filled by a checkpoint is removed only with
    --force: the checkpoint then fails, and its container keeps running.

    A snapshot is not removed while containers are to start from it (annotation mvas.restore), or while there are
    snapshots of clones of it. --cascade removes it nevertheless, together with these snapshots.

    vas/ID, vas/NAME, segment/ID and segment/NAME are objects of the kernel module ('mvas -la').`,
  options: {
    force: { type: 'boolean', short: 'f', help: 'also remove VASes that are being filled' },
    cascade: { type: 'boolean', help: 'also remove the snapshots that need one of them' },
    json: { ...JSON_OPTION, help: 'print an object that lists what was removed and what was not' },
  },
  arguments: {
    synopsis: 'ID...',
    min: 1,
    max: Infinity,
    wrong: 'needs the id or name of a VAS',
    words: 'object',
  },
  examples: [
    ['mvas rm web', 'removes the VAS named web'],
    ['mvas rm segment/table', 'removes a segment of the kernel module'],
  ],
  async run({ values: { json, ...how }, words: ids }, context) {
    const outcome = await removeAll(context, { ...how, ids });
    report(context, { json, ...outcome });
    return outcome.failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
});

function report(
  context: CliContext,
  { json, removed, failed }: RemovalOutcome & { readonly json: boolean },
): void {
  if (json) context.writeOut(formatJson({ removed, failed }));
  else context.writeOut(removed.map((id) => `${printable(id)}\n`).join(''));
  for (const { message } of failed) context.writeError(`mvas: ${printable(message)}\n`);
}
