// SPDX-License-Identifier: Apache-2.0
import { assertNotAborted, ShimError, type ErrorKind } from '../../common/errors.js';
import type { VasId } from '../../common/ids.js';
import type { VasEntry } from '../../criu/index.js';
import type { CliContext } from '../context.js';
import { parseReference, resolveKernel, type KernelReference } from '../kernel-objects.js';
import { resolveVas } from '../resolve.js';
import type { VasStore } from '../vas-store.js';

/** What to remove; `force`: even what is being filled. */
export interface Removal {
  readonly force: boolean;
  readonly cascade: boolean;
  readonly ids: readonly string[];
  /** Ends the work between two removals. */
  readonly signal?: AbortSignal;
  /** Is told at once what has been removed, and what has not. */
  readonly tell?: (outcome: RemovalOutcome) => void;
}

/** Something that could not be removed. */
export interface RemovalFailure {
  readonly id: string;
  readonly kind: ErrorKind;
  readonly message: string;
}

/** What has been removed, and what has not. */
export interface RemovalOutcome {
  readonly removed: readonly string[];
  readonly failed: readonly RemovalFailure[];
}

type Stores = Pick<CliContext, 'openStore' | 'openKernel'>;

/** Something that can be removed: its complete id, and how; returns the ids of all that has been removed. */
type Target = readonly [id: string, remove: () => Promise<readonly string[]>];

/** Removes VASes and kernel objects. Tries every id; removes nothing if any is ambiguous. */
export async function removeAll(
  stores: Stores,
  { ids, signal, tell, ...how }: Removal,
): Promise<RemovalOutcome> {
  const store = await stores.openStore();
  const entries = await listAsNeeded(store, ids);
  const removed: string[] = [];
  const failed: RemovalFailure[] = [];
  const fail = (id: string, error: unknown): void => {
    const { kind, message } = ShimError.from(error);
    failed.push({ id, kind, message });
    tell?.({ removed: [], failed: [{ id, kind, message }] });
  };
  const doomed = new Set<VasId>();
  const targetOf = (wanted: string): Target => {
    const reference = parseReference(wanted);
    if (reference) return [wanted, removalOf(stores, entries, { wanted, reference })];
    const { id } = resolveVas(entries, wanted);
    doomed.add(id);
    return [id, () => store.remove(id, { ...how, doomed })];
  };
  const targets = new Map<string, Target[1]>();
  for (const wanted of ids) {
    try {
      targets.set(...targetOf(wanted));
    } catch (error) {
      if (ShimError.from(error).kind === 'invalidArgument') throw error;
      fail(wanted, error);
    }
  }
  for (const [id, removeIt] of targets) {
    assertNotAborted(signal, `remove ${id}`);
    if (removed.includes(id)) continue;
    try {
      const gone = await removeIt();
      removed.push(...gone);
      tell?.({ removed: gone, failed: [] });
    } catch (error) {
      fail(id, error);
    }
  }
  return { removed, failed };
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
  stores: Stores,
  entries: readonly VasEntry[],
  { wanted, reference }: { readonly wanted: string; readonly reference: KernelReference },
): Target[1] {
  return async () => {
    const kernel = await stores.openKernel();
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
