// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi, SnapshotRequest } from '../containerd/index.js';
import type { SnapshotRecord } from '../criu/index.js';

/** A snapshot to work with. */
export interface Source {
  readonly snapshot: SnapshotRecord;
  /** Runs work while nobody else does so for this snapshot; absent if that is only for this. */
  readonly whileAlone?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Drops a snapshot that was only taken for this. */
  readonly drop: () => Promise<void>;
}

/** The snapshot of that id or name, or a new one of the container. */
export async function sourceOf(
  api: ContainerdApi,
  wanted: string,
  options: Pick<SnapshotRequest, 'rootfs' | 'signal' | 'onStage'>,
): Promise<Source> {
  const { beginUse, findSnapshot, listSnapshots, whileAlone } = await import('../criu/index.js');
  const owner = api.place.namespace;
  if (listSnapshots(owner).some(({ id, name }) => id === wanted || name === wanted)) {
    const { record } = findSnapshot(wanted, { owner });
    const use = beginUse(record.id);
    const drop = () => {
      use.close();
      return Promise.resolve();
    };
    return { snapshot: record, whileAlone: (work) => whileAlone(record.id, work), drop };
  }
  const { removeSnapshot, takeSnapshot } = await import('../containerd/index.js');
  const snapshot = await takeSnapshot(api, {
    ...{ containerId: wanted, name: '', isMomentary: true },
    ...options,
  });
  const use = beginUse(snapshot.id);
  const drop = () =>
    removeSnapshot(api, snapshot).finally(() => {
      use.close();
    });
  return { snapshot, drop };
}
