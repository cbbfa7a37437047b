// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../common/errors.js';
import type { Removal } from './args.js';
import type { CliContext } from './context.js';
import { parseReference, resolveKernel, type KernelReference } from './kernel-objects.js';
import { resolveVas } from './resolve.js';
import { formatJson, printable } from './text.js';
import type { VasEntry, VasStore } from './vas-store.js';

/** Help of `mvas rm`. */
export const RM_HELP = `Usage: mvas rm [--force] [--json] ID...

Removes one or more VASes and frees their memory. ID is an id, the beginning of one, or a name.
Containers restored from a VAS live on without it; checkpoints that need it cannot be restored
any more. When one cannot be removed, the others still are. One that a checkpoint is filling is not
removed, unless by force: the checkpoint fails then, and its container goes on.

vas/ID, vas/NAME, segment/ID and segment/NAME are objects that the kernel keeps ('mvas -la').

Options:
  -f, --force  remove also what is being filled
      --json   print an object with what was removed and what was not
`;

interface Failure {
  readonly id: string;
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Something that can be removed: its whole id, and how. */
type Target = readonly [id: string, remove: () => Promise<void> | void];

/** Runs `mvas rm`; returns the exit code. Every id is tried; nothing is removed when one is ambiguous. */
export async function runRm(context: CliContext, { json, force, ids }: Removal): Promise<number> {
  const store = await context.openStore();
  const entries = await listAsNeeded(store, ids);
  const removed: string[] = [];
  const failed: Failure[] = [];
  const targetOf = (wanted: string): Target => {
    const reference = parseReference(wanted);
    if (reference) return [wanted, removalOf(context, entries, reference)];
    const { id } = resolveVas(entries, wanted);
    return [id, () => store.remove(id, force)];
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
  for (const [id, remove] of targets) {
    try {
      await remove();
      removed.push(id);
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      failed.push({ id, kind, message });
    }
  }
  report(context, { json, removed, failed });
  return failed.length === 0 ? 0 : 1;
}

/** Objects of the kernel belong to anybody; VASes, and so their parts, to root. */
async function listAsNeeded(store: VasStore, ids: readonly string[]): Promise<readonly VasEntry[]> {
  const isForRoot = ids.some((wanted) => parseReference(wanted) === undefined);
  return await store.list().catch((error: unknown) => {
    if (isForRoot || ShimError.from(error).kind !== 'permissionDenied') throw error;
    return [];
  });
}

/** Parts of our own VASes are named after them (criu/vas/backend.ts), and go with them. */
function removalOf(
  context: CliContext,
  entries: readonly VasEntry[],
  reference: KernelReference,
): () => void {
  return () => {
    const kernel = context.openKernel();
    try {
      const { id, kind, name } = resolveKernel(kernel, reference);
      const owner = entries.find((entry) => name.startsWith(`${entry.id}.`));
      if (owner) {
        const message = `${kind} ${name} is part of a VAS; remedy: mvas rm ${owner.id}`;
        throw new ShimError('failedPrecondition', message);
      }
      kernel.delete(id, kind);
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
