// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { ShimError } from '../common/errors.js';
import { OURS } from '../common/our-snapshots.js';
import { diffLayers, type FileDiff, type SnapshotRecord } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { layersOf } from './changes.js';
import { withLease } from './own-lease.js';
import { decodeTemplate } from './template.js';

/**
 * Compares the root filesystems of two snapshots; undefined if one of them was taken without its files.
 *
 * @throws ShimError `unimplemented` for a snapshotter other than overlayfs
 */
export async function diffFiles(
  api: ContainerdApi,
  before: SnapshotRecord,
  after: SnapshotRecord,
  signal: AbortSignal,
): Promise<readonly FileDiff[] | undefined> {
  const templates = [before, after].map(({ template }) => decodeTemplate(template));
  if (!templates.every(({ hasFiles }) => hasFiles)) return undefined;
  const [old, young] = templates.map(({ container, parent }) => {
    return { snapshotter: container.snapshotter, parent };
  }) as [Root, Root];
  if (old.parent === young.parent) return [];
  return await withLease(api, () =>
    withLayers(api, old, (ours) =>
      withLayers(api, young, (theirs) => diffLayers(ours, theirs, signal)),
    ),
  );
}

interface Root {
  readonly snapshotter: string;
  readonly parent: string;
}

/** containerd tells layers only of what it would mount. */
async function withLayers<T>(
  api: ContainerdApi,
  { snapshotter, parent }: Root,
  work: (layers: readonly string[]) => Promise<T>,
): Promise<T> {
  const look = { snapshotter, key: `${OURS}${randomBytes(16).toString('hex')}` };
  const { mounts } = await api.call('Snapshots/Prepare', { ...look, parent });
  try {
    const layers = layersOf(mounts);
    if (layers) return await work(layers);
    const message = `the snapshotter ${snapshotter} does not tell layers of files`;
    const remedy = 'remedy: leave the files out (--no-rootfs)';
    throw new ShimError('unimplemented', `${message}; ${remedy}`);
  } finally {
    await api.call('Snapshots/Remove', look);
  }
}
