// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../common/ids.js';
import { isFrozen, type Cgroup } from '../../common/cgroup.js';
import { readConfig, type Config } from '../../common/config.js';
import { logger } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import { Scope } from '../../common/scope.js';
import { makeRoomForDescriptors } from '../../native/descriptor-room.js';
import { copyAhead, mustCopyAhead, type Ahead } from './copy-ahead.js';
import { Pinned, type Collection } from './collect.js';
import { concludeImage, settled, type NewImage } from './conclude.js';
import { checkNamespaces } from '../spec.js';
import { ImageReader } from '../image/image-reader.js';
import { ImageWriter } from '../image/image-writer.js';
import type { Continued } from '../memory/live/continued.js';
import { openSource } from '../memory/live/open-source.js';
import type { PreCopy } from '../memory/live/pre-copy.js';
import { LayoutLost } from '../memory/live/take-memory.js';
import { storedBytes } from '../memory/memory-map.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { readMaps } from '../procfs/reader.js';
import { mappedForWriting } from '../changes/mapped-files.js';
import { TreeCopy } from '../changes/tree-copy.js';
import { compileLater } from '../compile-later.js';
import { beginToHold } from './begun.js';
import { continueFrom, forkOf, originOf, withoutSeries } from './from-last.js';
import { ExecNotKept, withoutExecs } from './execs.js';
import { closeHeld, fill, fillLater, mayBeFilledLater, type HeldMemory } from './filling.js';
import { inTime } from './in-time.js';
import { newRecord } from './new-record.js';
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
import { checkRoom, makeRoom, NoRoom, readBudget, type Budget } from '../vas/budget.js';
import { FreezeGuard } from '../vas/guard.js';
import { Hold } from '../vas/hold.js';
import { beginLife } from '../vas/life.js';
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
  const config = readConfig();
  const changes = request.changes && new TreeCopy(request.changes);
  const attempt = () => withRoom(request, () => tryCheckpoint(request, { changes, config }));
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

/** Tries once more with the room that can be made. */
async function withRoom<T>({ signal }: CheckpointRequest, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    await makeRoom(error, signal);
    return await attempt();
  }
}

/** What all attempts of a checkpoint have in common. */
type Common = Pick<Attempt, 'changes' | 'config'>;

/** @throws EndedMeanwhile if a process has ended and the container has not */
async function tryCheckpoint(
  request: CheckpointRequest,
  common: Common,
): Promise<CheckpointResult> {
  const scope = new Scope();
  const life = new LifeWatch(request);
  const lasting = new Lasting();
  const given = request.signal ? [request.signal] : [];
  const signal = AbortSignal.any([...given, life.signal]);
  try {
    return await run({ ...request, signal }, { ...common, life, scope, lasting });
  } catch (error) {
    // Asked before the clean-up: a process that is let go is reaped, and can no longer be asked.
    const ended = await life.endedByNow();
    await scope.close();
    if (error instanceof LetGo) await removeLeftovers(request);
    if (endsSeries(error) && request.series) {
      return await tryCheckpoint(withoutSeries(request), common);
    }
    if (error instanceof LayoutLost && !mustCopyAhead(request)) {
      return await tryCheckpoint({ ...request, preCopy: 'never' }, common);
    }
    if (error instanceof ExecNotKept) {
      return await withoutExecs(error, () => tryCheckpoint({ ...request, exec: 'refuse' }, common));
    }
    throw ended ?? error;
  } finally {
    life.stop();
    lasting.close();
  }
}

/** Whether a checkpoint that starts from nothing, without tracking, does not fail in the same way. */
function endsSeries(error: unknown): boolean {
  return error instanceof LayoutLost || error instanceof Pinned;
}

/** What one attempt works with. */
interface Attempt {
  readonly life: LifeWatch;
  readonly scope: Scope;
  /** Follows the changes of the root filesystem from one attempt to the next. */
  readonly changes: TreeCopy | undefined;
  readonly config: Config;
  /** What its looks at the container leave for each other. */
  readonly lasting: Lasting;
}

async function run(
  request: CheckpointRequest,
  { life, scope, changes, config, lasting }: Attempt,
): Promise<CheckpointResult> {
  const clock = new StageClock();
  mark('checkpoint');
  const cgroup = findCgroup(request);
  const before = request.series && continueFrom(request.series, cgroup);
  const turn = request.series?.turn ?? 0;
  scope.defer('end the tracking of writes', () => before?.close());
  checkPidNamespace(request);
  checkNetworkOwner(request.initPid, request.spec, `checkpoint ${request.containerId}`);
  // The kernel takes its time over a new VAS, and over moving that into its cgroup.
  const opening = [openImage(request, scope), openVas(request, scope, before)] as const;
  await Promise.allSettled(opening); // What is made after a failure must be undone as well.
  const [image, vas] = await Promise.all(opening);
  const guard = new FreezeGuard(waitSocketOf(vas.id), cgroup);
  scope.defer('end the watch over the frozen state', () => {
    guard.disarm();
  });
  if (!isFrozen(cgroup) && !vas.before) await rehearse(request, vas, lasting);
  await changes?.follow();
  const budget = readBudget(config);
  clock.end('prepare');

  life.start();
  const patience = patienceOf(request);
  const copying = await copyAhead({ ...request, ...vas, cgroup, scope, patience });
  const { stoppedMs, preCopy, failure, memory: tracked } = copying;
  clock.end('ahead');

  const { id: vasId, holderPid: plainPid } = vas;
  const { ahead } = copying.source;
  const parts = { life, clock, patience, cgroup, vasId, plainPid, ahead, lasting };
  const whose = { ...request, ...vas, vasId, cgroup, patience, source: copying.source };
  const begin = beginToHold.bind(undefined, whose);
  const stopped = await stop(request, { ...parts, beforeThaw: guard.arm, begin });
  const { session, collection, close, begun } = stopped;
  scope.defer('let the container go on', () => session.close());
  scope.defer('end the twins', begun.end);
  scope.defer('close what memory is copied from', close);
  if (failure) throw failure;

  const memory = { vas, stopped, image, cgroup, budget };
  const { held, conclude } = await holdMemory(request, memory);
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

  const kernelAreas = await conclude();
  const stood = { stoppedMs, preCopy };
  const made = { held, tracked, turn, stood, image, collection, kernelAreas, clock };
  return await finish(request, { ...made, config, scope, guard, connections });
}

/** What {@link holdMemory} works with. */
interface ToHold {
  readonly vas: Awaited<ReturnType<typeof openVas>>;
  readonly stopped: Stopped;
  readonly image: NewImage;
  readonly cgroup: Cgroup;
  readonly budget: Budget;
}

/**
 * Holds the memory of a stopped container: what that does from then on no longer matters. If its client waits for it, the
 * image is concluded meanwhile, while the kernel makes twins.
 */
async function holdMemory(
  request: CheckpointRequest,
  { vas, stopped, image, cgroup, budget }: ToHold,
) {
  const { session, collection, begun } = stopped;
  const { source, twins, end: endTwins } = begun;
  checkRoom(budget, () => Number(storedBytes(collection.maps, collection.shared)), {
    isCopied: source.backend === 'holder',
  });
  let cleared: Promise<readonly KernelArea[]> | undefined;
  const clear = () => (cleared ??= source.clear(collection.base));
  let concluded: Promise<readonly KernelArea[]> | undefined;
  const concludeOnce = async () => {
    const kernelAreas = await clear();
    await concludeImage(request, image, { ...stopped, vasId: vas.id, source, kernelAreas });
    return kernelAreas;
  };
  const conclude = () => (concluded ??= concludeOnce());
  if (twins !== undefined && session.isPaused) await conclude();
  await source.hold(collection, clear);
  return { held: { vas, source, twins, session, endTwins, cgroup }, conclude };
}

/** What is left to be done once the memory of a container is held. */
interface Rest {
  readonly held: HeldMemory;
  /** What tracks writes, if anything does. */
  readonly tracked: PreCopy | undefined;
  /** That of its series when it began. */
  readonly turn: number;
  readonly stood: Pick<Ahead, 'stoppedMs' | 'preCopy'>;
  readonly image: NewImage;
  readonly collection: Collection;
  readonly kernelAreas: readonly KernelArea[];
  readonly clock: StageClock;
  readonly config: Config;
  readonly scope: Scope;
  readonly guard: FreezeGuard;
  /** Sockets that are to outlive the container. */
  readonly connections: Hold | undefined;
}

/** Completes a checkpoint, and its memory before or after that. */
async function finish(
  request: CheckpointRequest,
  { held, tracked, stood, image, collection, kernelAreas, clock, ...rest }: Rest,
): Promise<CheckpointResult> {
  const { config, scope, guard, connections, turn } = rest;
  const { vas, source, session } = held;
  const isFilledLater = mayBeFilledLater(request, source);
  if (!isFilledLater) {
    mark('concluded');
    await fill(held);
    clock.end('fill');
  }
  await inTime(image.written, WRITE_LIMIT_MS, `write the image ${request.imagePath}`);
  session.standstill.lookAt(`the image ${request.imagePath}`);
  checkAborted(request);
  const { preCopy } = stood;
  const frozenMs = clock.sum(FROZEN_STAGES) + stood.stoppedMs;
  const told = {
    ...{ backend: source.backend, frozenMs, preCopy, twins: source.twins },
    ...originOf(held.vas, tracked, collection.shared),
  };
  const made = { vas, writer: image.writer, collection, kernelAreas, told };
  const record = await commit(request, made, !isFilledLater);
  beginLife(vas.id, request.imagePath, { request: request.life, config });
  clock.end('commit');

  session.standstill.check();
  scope.release(); // A complete checkpoint is not undone, whatever goes wrong afterwards.
  guard.disarm();
  request.series?.keep(tracked?.continue(vas.id), turn);
  connections?.complete();
  const { bytes } = record;
  const result = { vasId: vas.id, timingsMs: clock.timingsMs, frozenMs, bytes, preCopy };
  if (isFilledLater) return { ...result, filled: fillLater(held, record) };
  if (request.leaveRunning) await held.endTwins();
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

/** A new VAS, with an empty holder or a fork of that of the checkpoint before, and the source of its memory. */
async function openVas(
  { memoryLimit, leaveRunning, signal, spare }: CheckpointRequest,
  scope: Scope,
  last: Continued | undefined,
) {
  const forked = last && (await forkOf(last, memoryLimit));
  const before = forked && last;
  const { id, holder, lifeline } = forked ?? (await takeVas(spare, memoryLimit));
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
  return { id, holder, holderPid, source, lifeline, keep, before };
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

/** What a record says about how its VAS was made. */
type Told = 'backend' | 'frozenMs' | 'preCopy' | 'twins' | 'origin' | 'copied';

/** Completes the checkpoint. If its memory is complete, it outlives this process from here on. */
async function commit(
  { imagePath, containerId }: CheckpointRequest,
  made: {
    readonly vas: NewVas;
    readonly writer: ImageWriter;
    readonly collection: Collection;
    readonly kernelAreas: readonly KernelArea[];
    /** How it was made. */
    readonly told: Pick<VasRecord, Told>;
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
