// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi } from '../containerd/index.js';
import type { SnapshotRecord } from '../criu/index.js';

/** A snapshot to work with. */
export interface Source {
  readonly snapshot: SnapshotRecord;
  /** Drops a snapshot that was only taken for this. */
  readonly drop: () => Promise<void>;
}

/** The snapshot of that id or name, or a new one of the container. */
export async function sourceOf(
  api: ContainerdApi,
  wanted: string,
  options: { readonly rootfs: boolean; readonly signal: AbortSignal },
): Promise<Source> {
  const { findSnapshot, listSnapshots } = await import('../criu/index.js');
  const owner = api.place.namespace;
  if (listSnapshots(owner).some(({ id, name }) => id === wanted || name === wanted)) {
    const { record } = findSnapshot(wanted, owner);
    return { snapshot: record, drop: () => Promise.resolve() };
  }
  const { removeSnapshot, takeSnapshot } = await import('../containerd/index.js');
  const snapshot = await takeSnapshot(api, {
    ...{ containerId: wanted, name: '', isMomentary: true },
    ...options,
  });
  return { snapshot, drop: () => removeSnapshot(api, snapshot) };
}
