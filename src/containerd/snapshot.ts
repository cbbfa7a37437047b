// SPDX-License-Identifier: Apache-2.0
import { assertNotAborted, ShimError } from '../common/errors.js';
import { podNamespaceOf } from '../common/pod-namespace.js';
import { Scope } from '../common/scope.js';
import {
  changeLife,
  keepSnapshot,
  listSnapshots,
  reserveSnapshot,
  parseShared,
  removeVas,
  type LifeRequest,
  type SnapshotRecord,
} from '../criu/index.js';
import { anyOf, type ContainerdApi } from './api.js';
import { bridge, originOf, readDescent } from './descent.js';
import { callShim, SHIM_LIMIT_MS } from './call-shim.js';
import { Changes, dropChanges, idLabelsOf, imageOf, parentOf } from './changes.js';
import type { Container } from '../common/messages/containers.js';
import { CheckpointOptions } from '../common/messages/mvas-options.js';
import { headOf, LABELS, labelOf, moveHead } from './head.js';
import { withLease } from './own-lease.js';
import { SHARE, specOf, type Spec } from './spec.js';
import { encodeNote } from './note.js';
import type { Stage } from './stage.js';
import { taskOf } from './task.js';
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
  /** Whether it is removed right away, so that its container does not go on from it. */
  readonly isMomentary?: boolean;
  /** Whether it starts from the last one of the container's series, and the next one from it. */
  readonly isOfSeries?: boolean;
  /** What ends it, besides its removal; what is undefined, its container and the configuration say. */
  readonly life?: LifeRequest;
  /** Who may make clones of it as well, as mvas.share says it; undefined: as its container says. */
  readonly shared?: string | undefined;
  readonly signal: AbortSignal;
  /** Is told what is being done. */
  readonly onStage?: (stage: Stage) => void;
}

/**
 * Takes a snapshot of a container, which goes on, running or paused. The shim does it, as for any other checkpoint:
 * its policy, its execs and other checkpoints are respected.
 */
export async function takeSnapshot(
  api: ContainerdApi,
  {
    containerId,
    name,
    rootfs,
    isMomentary = false,
    isOfSeries = false,
    life,
    shared,
    signal,
    onStage,
  }: SnapshotRequest,
): Promise<SnapshotRecord> {
  const owner = api.place.namespace;
  if (name !== '') assertName(name);
  onStage?.('prepare');
  const container = await findContainer(api, containerId);
  await assertRunning(api, containerId);
  const spec = specOf(container);
  const { args = [] } = spec.process ?? {};
  const access = accessOf(spec, shared);
  const hasFiles = rootfs && (container.snapshotKey ?? '') !== '';
  return await withLease(api, async () => {
    const scope = new Scope();
    try {
      const reservation = await reserveSnapshot({ name, owner });
      const { imagePath } = reservation;
      scope.defer('drop the image', () => reservation.abandon());
      const changes = hasFiles ? await Changes.begin(api, container) : undefined;
      if (changes) scope.defer('drop the changes of files', () => changes.drop());
      onStage?.('checkpoint');
      await checkpoint(api, container, { imagePath, changes, isOfSeries, signal });
      onStage?.('keep');
      const labels = await idLabelsOf(api, container);
      const below = await belowOf(api, container, changes?.layers);
      const parent = await (changes?.keep() ?? parentOf(api, container));
      scope.defer('drop the files', () => dropChanges(api, container.snapshotter ?? '', parent));
      const template = encodeTemplate({
        ...{ container, parent, place: api.place, hasFiles, labels },
        origin: headOf(container),
      });
      assertNotAborted(signal, `snapshot ${containerId}`);
      const record = keepSnapshot(imagePath, {
        ...{ ...access, name, owner, containerId, args, template },
        ...below,
      });
      if (!isMomentary) lookAfter(api, record, { container, parent, life });
      scope.release();
      reservation.close();
      if (!isMomentary) await moveHead(api, containerId, record.id);
      return record;
    } catch (error) {
      await scope.close();
      throw error;
    }
  });
}

/** What a snapshot's record says about what is below its files: no more than is known. */
async function belowOf(
  api: ContainerdApi,
  container: Partial<Container>,
  layers: readonly string[] | undefined,
): Promise<Pick<SnapshotRecord, 'layers' | 'image'>> {
  const image = await imageOf(api, container);
  return { ...(layers && { layers }), ...(image && { image }) };
}

/** Begins the life of a snapshot, whose lease is that of its files. */
function lookAfter(
  { place }: ContainerdApi,
  { id }: SnapshotRecord,
  made: {
    readonly container: Partial<Container>;
    readonly parent: string;
    readonly life: LifeRequest | undefined;
  },
): void {
  const { container, parent: key, life } = made;
  const files = key !== '' && { files: { snapshotter: container.snapshotter ?? '', key } };
  changeLife(id, { ...life, note: encodeNote({ place, ...files }) });
}

/** Which part of a namespace it belongs to, and whom it is shared with. */
function accessOf(spec: Spec, shared = spec.annotations?.[SHARE]) {
  return {
    group: podNamespaceOf(spec),
    shared: shared === undefined ? [] : parseShared(shared),
  };
}

/** Removes a snapshot: its memory, and its files unless clones need them. */
export async function removeSnapshot(api: ContainerdApi, record: SnapshotRecord): Promise<void> {
  await removeVas(record.id);
  await dropFiles(api, record);
  if (originOf(record) !== '') await bridge(api, record, await readDescent(api));
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

/** The last snapshot of a container, or else the one that it is a clone of. @throws ShimError `notFound` */
export function lastSnapshotOf(container: Partial<Container>, owner: string): SnapshotRecord {
  const { id: containerId = '' } = container;
  const all = listSnapshots(owner);
  const own = all.filter((record) => record.containerId === containerId);
  const [last] = own.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  const origin = all.find(({ id }) => id === labelOf(container, LABELS.snapshot));
  const found = last ?? origin;
  if (found) return found;
  const remedy = `remedy: take one (mvas snapshot ${containerId})`;
  throw new ShimError('notFound', `container ${containerId} has no snapshot; ${remedy}`);
}

/** @throws ShimError `invalidArgument` */
function assertName(name: string): void {
  if (NAME.test(name) && !ID.test(name)) return;
  const rule = 'letters, digits, ., _ and -, at most 63, and not what looks like an id';
  throw new ShimError('invalidArgument', `name of a snapshot ${JSON.stringify(name)}: not ${rule}`);
}

/** @throws ShimError `failedPrecondition` */
export async function assertRunning(api: ContainerdApi, id: string): Promise<void> {
  const { status } = await taskOf(api, id);
  if (status === 'running' || status === 'paused') return;
  throw new ShimError('failedPrecondition', `container ${id} is not running`);
}

async function checkpoint(
  api: ContainerdApi,
  container: Partial<Container>,
  request: {
    readonly imagePath: string;
    readonly changes: Changes | undefined;
    readonly isOfSeries: boolean;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { imagePath: path, changes, isOfSeries: series, signal } = request;
  const { from = '', to = '', uidmap = '', gidmap = '' } = changes?.places ?? {};
  const options = anyOf(CheckpointOptions, {
    ...{ changesFrom: from, changesTo: to, changesUidmap: uidmap, changesGidmap: gidmap, series },
  });
  const { id = '' } = container;
  await callShim(api, container, (shim) =>
    shim.call('Task/Checkpoint', { id, path, options }, { limitMs: SHIM_LIMIT_MS, signal }),
  );
}
