// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { Scope } from '../common/scope.js';
import {
  dropImagePath,
  keepSnapshot,
  listSnapshots,
  newImagePath,
  removeVas,
  type SnapshotRecord,
} from '../criu/index.js';
import { anyOf, type ContainerdApi } from './api.js';
import { callShim, SHIM_LIMIT_MS } from './call-shim.js';
import { Changes, dropChanges, parentOf } from './changes.js';
import type { Container } from './proto/messages/containers.js';
import { Status } from './proto/messages/process.js';
import { CheckpointOptions } from './proto/messages/mvas-options.js';
import { specOf } from './spec.js';
import { decodeTemplate, encodeTemplate } from './template.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const ID = /^[0-9a-f]{32}$/;

/** What is wanted of a snapshot. */
export interface SnapshotRequest {
  readonly containerId: string;
  /** Empty, or a name that no other snapshot of the namespace has. */
  readonly name: string;
  /** Whether the changes of the root filesystem are taken, too. */
  readonly rootfs: boolean;
  readonly signal: AbortSignal;
}

/**
 * Takes a snapshot of a container, which goes on, running or paused. The shim does it, as for any other checkpoint:
 * its policy, its execs and other checkpoints are respected.
 */
export async function takeSnapshot(
  api: ContainerdApi,
  { containerId, name, rootfs, signal }: SnapshotRequest,
): Promise<SnapshotRecord> {
  const owner = api.place.namespace;
  if (name !== '') assertFree(name, owner);
  const container = await findContainer(api, containerId);
  await assertRunning(api, containerId);
  const { args = [] } = specOf(container).process ?? {};
  const hasFiles = rootfs && (container.snapshotKey ?? '') !== '';
  return await api.withLease(async () => {
    const scope = new Scope();
    try {
      const imagePath = newImagePath();
      scope.defer('drop the image', () => {
        dropImagePath(imagePath);
      });
      const changes = hasFiles ? await Changes.begin(api, container) : undefined;
      if (changes) scope.defer('drop the changes of files', () => changes.drop());
      await checkpoint(api, container, { imagePath, changes, signal });
      const parent = await (changes?.keep() ?? parentOf(api, container));
      scope.defer('drop the files', () => dropChanges(api, container.snapshotter ?? '', parent));
      const template = encodeTemplate({ container, parent, place: api.place, hasFiles });
      const record = keepSnapshot(imagePath, { name, owner, containerId, args, template });
      scope.release();
      return record;
    } catch (error) {
      await scope.close();
      throw error;
    }
  });
}

/** Removes a snapshot: its memory, and its files unless clones need them. */
export async function removeSnapshot(api: ContainerdApi, record: SnapshotRecord): Promise<void> {
  await removeVas(record.id);
  await dropFiles(api, record);
}

/** Removes a snapshot's files from containerd, unless clones need them; they go with the last of these. */
export async function dropFiles(api: ContainerdApi, { template }: SnapshotRecord): Promise<void> {
  const { container, parent } = decodeTemplate(template);
  await dropChanges(api, container.snapshotter, parent);
}

/** A container's record. @throws ShimError `notFound` */
export async function findContainer(api: ContainerdApi, id: string): Promise<Partial<Container>> {
  try {
    const { container = {} } = await api.call('Containers/Get', { id });
    return container;
  } catch (cause) {
    if (ShimError.from(cause).kind !== 'notFound') throw cause;
    const { namespace } = api.place;
    const message = `no container or snapshot ${id} in namespace ${namespace} of containerd`;
    throw new ShimError('notFound', message, { cause });
  }
}

/** @throws ShimError `invalidArgument`, `alreadyExists` */
function assertFree(name: string, owner: string): void {
  if (!NAME.test(name) || ID.test(name)) {
    const rule = 'letters, digits, ., _ and -, at most 63, and not what looks like an id';
    throw new ShimError(
      'invalidArgument',
      `name of a snapshot ${JSON.stringify(name)}: not ${rule}`,
    );
  }
  const other = listSnapshots(owner).find((record) => record.name === name);
  if (!other) return;
  const remedy = `remedy: take another name, or remove it (mvas rm ${name})`;
  throw new ShimError('alreadyExists', `snapshot ${name} exists, with id ${other.id}; ${remedy}`);
}

/** @throws ShimError `failedPrecondition` */
export async function assertRunning(api: ContainerdApi, id: string): Promise<void> {
  const { process } = await api.call('Tasks/Get', { containerId: id }).catch((error: unknown) => {
    if (ShimError.from(error).kind !== 'notFound') throw error;
    return { process: undefined };
  });
  const status = process?.status;
  if (status === Status.RUNNING || status === Status.PAUSED) return;
  throw new ShimError('failedPrecondition', `container ${id} is not running`);
}

async function checkpoint(
  api: ContainerdApi,
  container: Partial<Container>,
  request: {
    readonly imagePath: string;
    readonly changes: Changes | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { imagePath: path, changes, signal } = request;
  const { from: changesFrom = '', to: changesTo = '' } = changes?.places ?? {};
  const options = anyOf(CheckpointOptions, { changesFrom, changesTo });
  const { id = '' } = container;
  await callShim(api, container, (shim) =>
    shim.call('Task/Checkpoint', { id, path, options }, { limitMs: SHIM_LIMIT_MS, signal }),
  );
}
