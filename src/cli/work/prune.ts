// SPDX-License-Identifier: Apache-2.0
import { assertNotAborted, ShimError } from '../../common/errors.js';
import type { ContainerdApi, Needs } from '../../containerd/index.js';
import type { SnapshotRecord, VasEntry } from '../../criu/index.js';
import type { VasStore } from '../vas-store.js';

/** What a pruning has done. */
export interface Pruned {
  /** Ids of what it has removed, or would have. */
  readonly removed: readonly string[];
  /** Ids of what stays since others need it. */
  readonly needed: readonly string[];
  /** Why others could not be removed. */
  readonly failed: readonly string[];
}

/** Which snapshots are to go; undefined: that does not matter. */
export interface Limits {
  readonly olderMs: number | undefined;
  readonly keep: number | undefined;
}

/** The snapshots that are lost, or beyond the limits, newest first. Pure. */
export function choose(
  entries: readonly VasEntry[],
  { olderMs, keep }: Limits,
  now: Date,
): SnapshotRecord[] {
  const newestFirst = [...entries].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const counts = new Map<string, number>();
  const isBeyond = (containerId: string, createdAt: Date): boolean => {
    const count = (counts.get(containerId) ?? 0) + 1;
    counts.set(containerId, count);
    if (olderMs === undefined && keep === undefined) return false;
    return count > (keep ?? 0) && now.getTime() - createdAt.getTime() >= (olderMs ?? 0);
  };
  return newestFirst.flatMap(({ snapshot, state, createdAt }) => {
    if (!snapshot) return [];
    const isLost = state === 'lost' || state === 'broken';
    return isLost || isBeyond(snapshot.containerId, createdAt) ? [snapshot] : [];
  });
}

/** Those that can go together: nothing needs one of them that is not among them. Pure. */
export function unneeded(
  snapshots: readonly SnapshotRecord[],
  needsOf: (snapshot: SnapshotRecord) => Needs,
): readonly SnapshotRecord[] {
  const ids = new Set(snapshots.map(({ id }) => id));
  const fit = snapshots.filter((one) => {
    const needs = needsOf(one);
    return needs.containers.length === 0 && needs.snapshots.every(({ id }) => ids.has(id));
  });
  return fit.length === snapshots.length ? fit : unneeded(fit, needsOf);
}

/** How to prune. */
export interface PruneRun {
  /** Only look. */
  readonly isDry: boolean;
  readonly now: Date;
  /** Ends the work between two removals. */
  readonly signal: AbortSignal;
  /** Is told ids at once. */
  readonly tell?: ((removed: readonly string[]) => void) | undefined;
}

/** Removes the snapshots of a namespace that are lost or beyond the limits. */
export async function pruneSnapshots(
  api: ContainerdApi,
  store: VasStore,
  { isDry, now, signal, tell, ...limits }: Limits & PruneRun,
): Promise<Pruned> {
  const { deleteDeadFiles, deleteDeadLeases, readDescent, needsOf } =
    await import('../../containerd/index.js');
  const { removeLeftovers } = await import('../../criu/index.js');
  if (!isDry) {
    await deleteDeadFiles(api);
    await deleteDeadLeases(api);
  }
  const descent = await readDescent(api);
  const { namespace } = api.place;
  const entries = (await store.list()).filter(({ snapshot }) => snapshot?.owner === namespace);
  const old = choose(entries, limits, now);
  const doomed = unneeded(old, (one) => needsOf(one, descent));
  const needed = old.filter((one) => !doomed.includes(one)).map(({ id }) => id);
  const left: readonly string[] = await removeLeftovers(isDry);
  if (left.length > 0) tell?.(left);
  const { removed, failed } = isDry
    ? { removed: doomed.map(({ id }) => id), failed: [] }
    : await removeAll(store, doomed, { signal, tell });
  return { removed: [...left, ...removed], needed, failed };
}

async function removeAll(
  store: VasStore,
  snapshots: readonly SnapshotRecord[],
  { signal, tell }: Pick<PruneRun, 'signal' | 'tell'>,
): Promise<{ readonly removed: string[]; readonly failed: string[] }> {
  const doomed = new Set(snapshots.map(({ id }) => id));
  const removed: string[] = [];
  const failed: string[] = [];
  for (const { id } of snapshots) {
    assertNotAborted(signal, `remove ${id}`);
    try {
      const gone = await store.remove(id, { force: false, cascade: false, doomed });
      removed.push(...gone);
      tell?.(gone);
    } catch (error) {
      failed.push(ShimError.from(error).message);
    }
  }
  return { removed, failed };
}
