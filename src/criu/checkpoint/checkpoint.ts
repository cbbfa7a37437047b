// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../common/ids.js';
import { isFrozen, type Cgroup } from '../../common/cgroup.js';
import { logger } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import { Scope } from '../../common/scope.js';
import { makeRoomForDescriptors } from '../../native/descriptor-room.js';
import { copyAhead, mustCopyAhead, type Ahead } from './copy-ahead.js';
import type { Collection } from './collect.js';
import { concludeImage, settled, type NewImage } from './conclude.js';
import { checkNamespaces } from '../spec.js';
import { ImageReader } from '../image/image-reader.js';
import { ImageWriter } from '../image/image-writer.js';
import type { MemorySource } from '../memory/live/source.js';
import { openSource } from '../memory/live/open-source.js';
import { LayoutLost } from '../memory/live/take-memory.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { readMaps } from '../procfs/reader.js';
import { mappedForWriting } from '../changes/mapped-files.js';
import { TreeCopy } from '../changes/tree-copy.js';
import { compileLater } from '../compile-later.js';
import { chooseTwins } from './choose-twins.js';
import { ExecNotKept, withoutExecs } from './execs.js';
import {
  closeHeld,
  endWell,
  fill,
  fillLater,
  mayBeFilledLater,
  type HeldMemory,
} from './filling.js';
import { inTime } from './in-time.js';
import { newRecord } from './new-record.js';
import { reapTwins } from './reap-twins.js';
import { rehearse } from './rehearsal.js';
import { checkPidNamespace } from './check-pids.js';
import { checkNetworkOwner } from '../user-namespace.js';
import { checkAborted, checkStill, findCgroup, stop, type Stopped } from './stop.js';
import { Lasting } from '../lasting.js';
import { DEFAULT_EXEC_MODE, DEFAULT_RETRY_MS } from '../constants.js';
import type { CheckpointRequest, CheckpointResult } from './request.js';
import { EndedMeanwhile, retrying, type Patience } from '../retry.js';
import { StageClock } from '../stages.js';
import { LifeWatch } from '../tracee/life-watch.js';
import { Session } from '../tracee/session.js';
import { LetGo } from '../tracee/standstill.js';
import { FreezeGuard } from '../vas/guard.js';
import { Hold } from '../vas/hold.js';
import { encodeSegments, segmentsOf } from '../vas/segments.js';
import { takeVas } from '../vas/spare.js';
import { memoryLimitOf } from '../vas/vas-cgroup.js';
import { removeVas, waitSocketOf, writeRecord, type NewVas, type VasRecord } from '../vas/store.js';

const log = logger('checkpoint');

/** Limit for writing image files: kilobytes, plus the content of tmpfs mounts and deleted files. */
const WRITE_LIMIT_MS = 120_000;

/** Stages during which the container stands still. */
const FROZEN_STAGES = ['seize', 'inspect', 'copy', 'resume'] as const;

/**
 * Checkpoints a container's processes into a new VAS.
 *
 * @throws ShimError `failedPrecondition` naming process, object and remedy if something cannot be
 * restored. The container then goes on as before, and nothing is left behind.
 */
export async function checkpoint(request: CheckpointRequest): Promise<CheckpointResult> {
  compileLater();
  makeRoomForDescriptors();
  checkNamespaces(request.spec, `checkpoint ${request.containerId}`);
  checkPidNamespace(request);
  const changes = request.changes && new TreeCopy(request.changes);
  const attempt = () => tryCheckpoint(request, changes);
  try {
    const result = await retrying(patienceOf(request), attempt, EndedMeanwhile);
    const { vasId: vas, bytes, frozenMs } = result;
    log.info('done', { container: request.containerId, vas, bytes, frozenMs });
    return result;
  } catch (error) {
    checkAborted(request);
    throw error;
  }
}

function patienceOf({ retryMs, signal }: CheckpointRequest): Patience {
  return { limitMs: retryMs ?? DEFAULT_RETRY_MS, signal };
}

/** @throws EndedMeanwhile if a process has ended and the container has not */
async function tryCheckpoint(
  request: CheckpointRequest,
  changes: TreeCopy | undefined,
): Promise<CheckpointResult> {
  const scope = new Scope();
  const life = new LifeWatch(request);
  const lasting = new Lasting();
  const given = request.signal ? [request.signal] : [];
  const signal = AbortSignal.any([...given, life.signal]);
  try {
    return await run({ ...request, signal }, { life, scope, changes, lasting });
  } catch (error) {
    // Asked before the clean-up: a process that is let go is reaped, and can no longer be asked.
    const ended = life.ended();
    await scope.close();
    if (error instanceof LetGo) await removeLeftovers(request);
    if (error instanceof LayoutLost && !mustCopyAhead(request)) {
      return await tryCheckpoint({ ...request, preCopy: 'never' }, changes);
    }
    if (error instanceof ExecNotKept) {
      return await withoutExecs(error, () =>
        tryCheckpoint({ ...request, exec: 'refuse' }, changes),
      );
    }
    throw ended ?? error;
  } finally {
    life.stop();
    lasting.close();
  }
}

/** What one attempt works with. */
interface Attempt {
  readonly life: LifeWatch;
  readonly scope: Scope;
  /** Follows the changes of the root filesystem from one attempt to the next. */
  readonly changes: TreeCopy | undefined;
  /** What its looks at the container leave for each other. */
  readonly lasting: Lasting;
}

async function run(
  request: CheckpointRequest,
  { life, scope, changes, lasting }: Attempt,
): Promise<CheckpointResult> {
  const clock = new StageClock();
  mark('checkpoint');
  const cgroup = findCgroup(request);
  checkNetworkOwner(request.initPid, request.spec, `checkpoint ${request.containerId}`);
  const image = await openImage(request, scope);
  const vas = await openVas(request, scope);
  const guard = new FreezeGuard(waitSocketOf(vas.id), cgroup);
  scope.defer('end the watch over the frozen state', () => {
    guard.disarm();
  });
  if (!isFrozen(cgroup)) await rehearse(request, vas, lasting);
  await changes?.follow();
  clock.end('prepare');

  life.start();
  const patience = patienceOf(request);
  const copying = await copyAhead({ ...request, ...vas, cgroup, scope, patience });
  const { stoppedMs, preCopy, failure } = copying;
  clock.end('ahead');

  const { id: vasId, holderPid: plainPid } = vas;
  const { ahead } = copying.source;
  const parts = { life, clock, patience, cgroup, vasId, plainPid, ahead, lasting };
  const stopped = await stop(request, { ...parts, beforeThaw: guard.arm });
  const { session, collection, close } = stopped;
  scope.defer('let the container go on', () => session.close());
  scope.defer('close what memory is copied from', close);
  if (failure) throw failure;

  const memory = { vas, source: copying.source, stopped, image, cgroup, patience, scope };
  const { held, kernelAreas, conclude } = await holdMemory(request, memory);
  const connections = holdConnections(request, vas.id, collection, scope);
  close();
  await changes?.finish(mappedForWriting(session.processes.map(({ pid }) => pid)));
  checkStill(session, request);
  life.stop();
  clock.end('copy');

  if (request.leaveRunning) {
    await session.letGo();
    guard.disarm();
  }
  clock.end('resume');

  await conclude();
  const stood = { stoppedMs, preCopy };
  const made = { held, stood, image, collection, kernelAreas, clock, scope, guard, connections };
  return await finish(request, made);
}

/** What {@link holdMemory} works with. */
interface ToHold {
  readonly vas: Awaited<ReturnType<typeof openVas>>;
  /** What copies memory, unless twins do. */
  readonly source: MemorySource;
  readonly stopped: Stopped;
  readonly image: NewImage;
  readonly cgroup: Cgroup;
  readonly patience: Patience;
  readonly scope: Scope;
}

/**
 * Holds the memory of a stopped container: what that does from then on no longer matters. If its client waits for it, the
 * image is concluded meanwhile, while the kernel makes twins.
 */
async function holdMemory(
  request: CheckpointRequest,
  { vas, stopped, image, cgroup, patience, scope, ...given }: ToHold,
) {
  const { session, collection } = stopped;
  const { source, twins } = chooseTwins({ ...request, ...vas, session, collection, ...given });
  const endTwins = async () => {
    const ended = (await twins?.end()) ?? [];
    await session.letGo();
    await reapTwins({ ...request, cgroup, vasId: vas.id, patience }, ended);
  };
  scope.defer('end the twins', endTwins);
  source.begin?.(collection);
  const kernelAreas = await source.clear(collection.base);
  let concluded: Promise<void> | undefined;
  const conclude = () => {
    concluded ??= concludeImage(request, image, { ...stopped, vasId: vas.id, source, kernelAreas });
    return concluded;
  };
  if (twins !== undefined && session.isPaused) await conclude();
  await source.hold(collection);
  return { held: { vas, source, twins, session, endTwins, cgroup }, kernelAreas, conclude };
}

/** What is left to be done once the memory of a container is held. */
interface Rest {
  readonly held: HeldMemory;
  readonly stood: Pick<Ahead, 'stoppedMs' | 'preCopy'>;
  readonly image: NewImage;
  readonly collection: Collection;
  readonly kernelAreas: readonly KernelArea[];
  readonly clock: StageClock;
  readonly scope: Scope;
  readonly guard: FreezeGuard;
  /** Sockets that are to outlive the container. */
  readonly connections: Hold | undefined;
}

/** Completes a checkpoint, and its memory before or after that. */
async function finish(
  request: CheckpointRequest,
  { held, stood, image, collection, kernelAreas, clock, scope, guard, connections }: Rest,
): Promise<CheckpointResult> {
  const { vas, source, session } = held;
  const isFilledLater = mayBeFilledLater(request, source);
  if (!isFilledLater) {
    await fill(held);
    clock.end('fill');
  }
  await inTime(image.written, WRITE_LIMIT_MS, `write the image ${request.imagePath}`);
  session.standstill.lookAt(`the image ${request.imagePath}`);
  checkAborted(request);
  const { preCopy } = stood;
  const frozenMs = clock.sum(FROZEN_STAGES) + stood.stoppedMs;
  const told = { backend: source.backend, frozenMs, preCopy, twins: source.twins };
  const made = { vas, writer: image.writer, collection, kernelAreas, told };
  const record = await commit(request, made, !isFilledLater);
  clock.end('commit');

  session.standstill.check();
  scope.release(); // A complete checkpoint is not undone, whatever goes wrong afterwards.
  guard.disarm();
  connections?.complete();
  const { bytes } = record;
  const result = { vasId: vas.id, timingsMs: clock.timingsMs, frozenMs, bytes, preCopy };
  if (isFilledLater) return { ...result, filled: fillLater(held, record) };
  if (request.leaveRunning) await endWell(held);
  else session.kill();
  await closeHeld(held);
  clock.end('kill');
  return result;
}

/** Removes our page from a container that was let go early. */
async function removeLeftovers(request: CheckpointRequest): Promise<void> {
  try {
    const { initPid, exec = DEFAULT_EXEC_MODE } = request;
    const options = { exec, patience: { limitMs: 0 } };
    const session = await Session.seize(initPid, findCgroup(request), options);
    await session.removeLeftovers(readMaps).finally(() => session.close());
  } catch (error) {
    log.warn('memory of ours stays in the container until its next checkpoint', {
      error: String(error),
    });
  }
}

/** The image directory. Its files are written once the container no longer has to stand still. */
async function openImage({ imagePath }: CheckpointRequest, scope: Scope): Promise<NewImage> {
  const writer = await ImageWriter.create(imagePath);
  const image: NewImage = { writer, written: Promise.resolve() };
  scope.defer('remove the image', async () => {
    await settled(image.written);
    await writer.discard();
  });
  return image;
}

/** A new VAS with an empty holder, and the source of its memory. */
async function openVas(
  { memoryLimit, leaveRunning, signal, spare }: CheckpointRequest,
  scope: Scope,
) {
  const { id, holder, lifeline } = await takeVas(spare, memoryLimit);
  scope.defer('remove the VAS', () => removeVas(id));
  const cut = () => {
    lifeline.cut();
  };
  scope.defer('end the holder', cut);
  signal?.addEventListener('abort', cut); // Whatever is in progress there fails at once.
  const keep = () => {
    signal?.removeEventListener('abort', cut);
  };
  scope.defer('close the holder', () => {
    holder.close();
  });
  const { pid: holderPid } = await holder.status();
  const isLimited = memoryLimitOf(memoryLimit) !== '';
  const source = openSource(
    { holder, holderPid },
    { vasId: id, isLimited, leavesRunning: leaveRunning },
  );
  scope.defer('close the source of memory', () => {
    source.close();
  });
  return { id, holder, holderPid, source, lifeline, keep };
}

/** Has the keeper take the container's TCP sockets, so that its end is not theirs. */
function holdConnections(
  { keepsConnections, leaveRunning }: CheckpointRequest,
  vasId: VasId,
  { keepable }: Collection,
  scope: Scope,
): Hold | undefined {
  if (!keepsConnections || leaveRunning || keepable.length === 0) return undefined;
  const hold = Hold.take(waitSocketOf(vasId), keepable);
  scope.defer('let its connections go', () => {
    hold.cut();
  });
  return hold;
}

/** Completes the checkpoint. If its memory is complete, it outlives this process from here on. */
async function commit(
  { imagePath, containerId }: CheckpointRequest,
  made: {
    readonly vas: NewVas;
    readonly writer: ImageWriter;
    readonly collection: Collection;
    readonly kernelAreas: readonly KernelArea[];
    /** How it was made. */
    readonly told: Pick<VasRecord, 'backend' | 'frozenMs' | 'preCopy' | 'twins'>;
  },
  isComplete: boolean,
): Promise<VasRecord> {
  const { vas, writer, collection, kernelAreas, told } = made;
  await writer.commit(collection.image.inventory, { durable: false });
  const record: VasRecord = {
    ...newRecord(vas.id, { containerId, collection, kernelAreas }),
    ...told,
    ...describeImage(imagePath, writer),
    isComplete,
  };
  writeRecord(record, encodeSegments(collection.maps.map(segmentsOf)));
  if (isComplete) vas.lifeline.complete();
  return record;
}

function describeImage(
  imagePath: string,
  { contents }: ImageWriter,
): Pick<VasRecord, 'imageDigest' | 'imageSize'> {
  const reader = ImageReader.open(imagePath, {}, contents);
  try {
    return { imageDigest: reader.digest(), imageSize: reader.size() };
  } finally {
    reader.close();
  }
}
