// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../common/errors.js';
import type { CliContext } from './context.js';
import { resolveVas } from './resolve.js';
import { formatJson, printable } from './text.js';

/** Help of `mvas rm`. */
export const RM_HELP = `Usage: mvas rm [--json] ID...

Removes one or more VASes and frees their memory. ID is an id, the beginning of one, or a name.
Containers restored from a VAS live on without it; checkpoints that need it cannot be restored
any more. When one cannot be removed, the others still are.

Options:
      --json   print an object with what was removed and what was not
`;

interface Failure {
  readonly id: string;
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Runs `mvas rm`; returns the exit code. Every id is tried; nothing is removed when one is ambiguous. */
export async function runRm(
  context: CliContext,
  { json, ids }: { readonly json: boolean; readonly ids: readonly string[] },
): Promise<number> {
  const store = await context.openStore();
  const entries = await store.list();
  const removed: string[] = [];
  const failed: Failure[] = [];
  const targets = new Map<string, string>();
  for (const wanted of ids) {
    try {
      targets.set(resolveVas(entries, wanted).id, wanted);
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      if (kind === 'invalidArgument') throw error;
      failed.push({ id: wanted, kind, message });
    }
  }
  for (const id of targets.keys()) {
    try {
      await store.remove(id);
      removed.push(id);
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      failed.push({ id, kind, message });
    }
  }
  report(context, { json, removed, failed });
  return failed.length === 0 ? 0 : 1;
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
