// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi, Stage } from '../../containerd/index.js';
import type { FileDiff, ProcessDiff, SnapshotRecord } from '../../criu/index.js';
import { sourceOf } from '../source.js';

/** What is different between two snapshots. */
export interface Difference {
  /** Undefined if files were not compared. */
  readonly files: readonly FileDiff[] | undefined;
  readonly processes: readonly ProcessDiff[];
}

/** What is to be compared. */
export interface Comparison {
  /** A snapshot or a container. */
  readonly first: string;
  /** Another one; undefined: the container or the last snapshot that belongs to the first. */
  readonly second: string | undefined;
  /** Whether files are compared. */
  readonly rootfs: boolean;
  readonly signal: AbortSignal;
  /** Is told what is being done while a container is captured. */
  readonly onStage?: (stage: Stage) => void;
}

/** What has changed from one snapshot to another. A container is captured for this, and goes on. */
export async function differenceOf(
  api: ContainerdApi,
  { first, second, ...options }: Comparison,
): Promise<Difference> {
  const [from, to] = second === undefined ? await pairOf(api, first) : [first, second];
  return await withSource(api, from, options, (before) =>
    withSource(api, to, options, (after) => compare(api, [before, after], options)),
  );
}

type Options = Pick<Comparison, 'rootfs' | 'signal' | 'onStage'>;

/** The snapshot and the container of which one is meant. */
async function pairOf(api: ContainerdApi, wanted: string): Promise<readonly [string, string]> {
  const { listSnapshots } = await import('../../criu/index.js');
  const { findContainer, lastSnapshotOf } = await import('../../containerd/index.js');
  const { namespace } = api.place;
  const snapshot = listSnapshots(namespace).find(
    ({ id, name }) => id === wanted || name === wanted,
  );
  if (snapshot) return [wanted, snapshot.containerId];
  return [lastSnapshotOf(await findContainer(api, wanted), namespace).id, wanted];
}

async function withSource<T>(
  api: ContainerdApi,
  wanted: string,
  options: Options,
  work: (snapshot: SnapshotRecord) => Promise<T>,
): Promise<T> {
  const source = await sourceOf(api, wanted, options);
  try {
    return await work(source.snapshot);
  } finally {
    await source.drop();
  }
}

async function compare(
  api: ContainerdApi,
  [before, after]: readonly [SnapshotRecord, SnapshotRecord],
  { rootfs, signal }: Options,
): Promise<Difference> {
  const { compareCheckpoints, imageOf } = await import('../../criu/index.js');
  const { diffFiles } = await import('../../containerd/index.js');
  const files = rootfs ? await diffFiles(api, before, after, signal) : undefined;
  const processes = await compareCheckpoints(imageOf(before), imageOf(after), signal);
  return { files, processes };
}
