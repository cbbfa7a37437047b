// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { ShimError } from '../common/errors.js';
import { OURS } from '../common/our-snapshots.js';
import { findSnapshot, type SnapshotRecord } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { callShim, SHIM_LIMIT_MS } from './call-shim.js';
import { layersOf, parentOf, upperOf } from './changes.js';
import { LABELS, labelOf, moveHead } from './head.js';
import type { Container } from '../common/messages/containers.js';
import type { Mount } from '../common/messages/mount.js';
import { withLease } from './own-lease.js';
import { assertRunning, findContainer, lastSnapshotOf } from './snapshot.js';
import type { Stage } from './stage.js';
import { decodeTemplate } from './template.js';

const MS = 1000;

/** What is wanted of a rollback. */
export interface RollbackRequest {
  readonly containerId: string;
  /** Id or name; undefined: the last one of the container. */
  readonly snapshot: string | undefined;
  /** Whether the root filesystem is put back, too. */
  readonly rootfs: boolean;
  readonly signal: AbortSignal;
  /** Is told what is being done. */
  readonly onStage?: (stage: Stage) => void;
}

/** What came of a rollback. */
export interface RolledBack {
  readonly snapshot: SnapshotRecord;
  /** Pid of the container's new init. */
  readonly pid: number;
  /** Milliseconds for which the container stood still. */
  readonly standstillMs: number;
}

/** Puts a running container back to a snapshot, in place; its shim does it. */
export async function rollBack(
  api: ContainerdApi,
  { containerId, snapshot: wanted, rootfs, signal, onStage }: RollbackRequest,
): Promise<RolledBack> {
  onStage?.('prepare');
  const container = await findContainer(api, containerId);
  const snapshot = choose(container, wanted, api.place.namespace);
  await assertRunning(api, containerId);
  return await withLease(api, async () => {
    const files = rootfs ? await Files.open(api, container, snapshot) : undefined;
    try {
      const request = { id: containerId, snapshot: snapshot.id, ...files?.request };
      onStage?.('restore');
      const limits = { limitMs: SHIM_LIMIT_MS, signal };
      const { pid, standstillUs } = await callShim(api, container, (shim) =>
        shim.call('Task/Rollback', request, limits),
      );
      await moveHead(api, containerId, snapshot.id);
      return { snapshot, pid, standstillMs: Number(standstillUs) / MS };
    } finally {
      await files?.close();
    }
  });
}

/** A snapshot of this container, or the one that it is a clone of. */
function choose(
  container: Partial<Container>,
  wanted: string | undefined,
  owner: string,
): SnapshotRecord {
  const { id = '' } = container;
  const origin = labelOf(container, LABELS.snapshot);
  if (wanted !== undefined) {
    const { record } = findSnapshot(wanted, { owner });
    if (record.containerId === id || record.id === origin) return record;
    const why = `snapshot ${wanted} is of container ${record.containerId}`;
    const remedy = `remedy: make another container of it (mvas fork ${wanted})`;
    throw new ShimError('failedPrecondition', `roll back ${id}: ${why}; ${remedy}`);
  }
  return lastSnapshotOf(container, owner);
}

/** The root filesystem as of a snapshot, and the mounts that it has now. */
class Files {
  readonly request: { readonly changesFrom: string; readonly rootfs: Partial<Mount>[] };
  readonly #api: ContainerdApi;
  readonly #look: { readonly snapshotter: string; readonly key: string };

  private constructor(
    api: ContainerdApi,
    look: Readonly<Record<'snapshotter' | 'key', string>>,
    request: Files['request'],
  ) {
    this.#api = api;
    this.#look = look;
    this.request = request;
  }

  /** Looks at it. To be closed, under a lease. */
  static async open(
    api: ContainerdApi,
    container: Partial<Container>,
    { id: snapshotId, template }: SnapshotRecord,
  ): Promise<Files> {
    const { id = '', snapshotter = '', snapshotKey = '' } = container;
    const { parent, hasFiles = false } = decodeTemplate(template);
    const refuse = (why: string): never => {
      const remedy = 'remedy: leave the root filesystem as it is (--no-rootfs)';
      const message = `roll back ${id}: ${why}; ${remedy}`;
      throw new ShimError('failedPrecondition', message);
    };
    if (!hasFiles) refuse(`snapshot ${snapshotId} has no files`);
    const base = await parentOf(api, container);
    const { mounts: rootfs } = await api.call('Snapshots/Mounts', {
      snapshotter,
      key: snapshotKey,
    });
    const look = { snapshotter, key: `${OURS}${randomBytes(16).toString('hex')}` };
    const { mounts } = await api.call('Snapshots/Prepare', { ...look, parent });
    try {
      const own = parent === base ? upperOf(mounts, parent) : layersOf(mounts)?.[0];
      if (parent !== base && (await parentOf(api, { snapshotter, snapshotKey: parent })) !== base) {
        refuse(`snapshot ${snapshotId} has another image below its files`);
      }
      return new Files(api, look, { changesFrom: own ?? '', rootfs: [...rootfs] });
    } catch (error) {
      await api.call('Snapshots/Remove', look);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#api.call('Snapshots/Remove', this.#look);
  }
}
