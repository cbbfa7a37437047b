// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../../common/errors.js';
import type { VasId } from '../../common/ids.js';
import type { VasEntry } from '../../criu/index.js';
import type { CliContext } from '../context.js';
import { parseReference, resolveKernel, type KernelReference } from '../kernel-objects.js';
import { resolveVas } from '../resolve.js';
import { formatJson, printable } from '../text.js';
import type { VasStore } from '../vas-store.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

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
  run: ({ values, words }, context) => remove(context, { ...values, ids: words }),
});

/** What to remove; `force`: even what is being filled. */
interface Removal {
  readonly json: boolean;
  readonly force: boolean;
  readonly cascade: boolean;
  readonly ids: readonly string[];
}

interface Failure {
  readonly id: string;
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Something that can be removed: its complete id, and how; returns the ids of all that has been removed. */
type Target = readonly [id: string, remove: () => Promise<readonly string[]>];

/** Tries every id; removes nothing if any is ambiguous. Returns the exit code. */
async function remove(context: CliContext, { json, ids, ...how }: Removal): Promise<number> {
  const store = await context.openStore();
  const entries = await listAsNeeded(store, ids);
  const removed: string[] = [];
  const failed: Failure[] = [];
  const doomed = new Set<VasId>();
  const targetOf = (wanted: string): Target => {
    const reference = parseReference(wanted);
    if (reference) return [wanted, removalOf(context, entries, { wanted, reference })];
    const { id } = resolveVas(entries, wanted);
    doomed.add(id);
    return [id, () => store.remove(id, { ...how, doomed })];
  };
  const targets = new Map<string, Target[1]>();
  for (const wanted of ids) {
    try {
      targets.set(...targetOf(wanted));
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      if (kind === 'invalidArgument') throw error;
      failed.push({ id: wanted, kind, message });
    }
  }
  for (const [id, removeIt] of targets) {
    if (removed.includes(id)) continue;
    try {
      removed.push(...(await removeIt()));
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      failed.push({ id, kind, message });
    }
  }
  report(context, { json, removed, failed });
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Any user can own kernel objects; VASes, and so their parts, belong to root. */
async function listAsNeeded(store: VasStore, ids: readonly string[]): Promise<readonly VasEntry[]> {
  const isForRoot = ids.some((wanted) => parseReference(wanted) === undefined);
  return await store.list().catch((error: unknown) => {
    if (isForRoot || ShimError.from(error).kind !== 'permissionDenied') throw error;
    return [];
  });
}

/** Parts of our own VASes are named after them (criu/vas/backend.ts), and are removed with them. */
function removalOf(
  context: CliContext,
  entries: readonly VasEntry[],
  { wanted, reference }: { readonly wanted: string; readonly reference: KernelReference },
): Target[1] {
  return async () => {
    const kernel = await context.openKernel();
    try {
      const { id, kind, name } = resolveKernel(kernel, reference);
      const owner = entries.find((entry) => name.startsWith(`${entry.id}.`));
      if (owner) {
        const message = `${kind} ${name} is part of a VAS; remedy: mvas rm ${owner.id}`;
        throw new ShimError('failedPrecondition', message);
      }
      kernel.delete(id, kind);
      return [wanted];
    } finally {
      kernel.close();
    }
  };
}

function report(
  context: CliContext,
  outcome: { json: boolean; removed: readonly string[]; failed: readonly Failure[] },
): void {
  const { json, removed, failed } = outcome;
  if (json) context.writeOut(formatJson({ removed, failed }));
  else context.writeOut(removed.map((id) => `${printable(id)}\n`).join(''));
  for (const { message } of failed) context.writeError(`mvas: ${printable(message)}\n`);
}
