// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { HostPid, VasId } from '../../common/ids.js';
import { cgroupOf, isFrozen, type Cgroup } from '../../common/cgroup.js';
import { assertNotAborted, ShimError } from '../../common/errors.js';
import { logger, warningOnSuccess } from '../../common/log.js';
import { readRuntimeState, type StdioLinks } from '../../common/runtime-state.js';
import { Scope } from '../../common/scope.js';
import { copyAhead } from './copy-ahead.js';
import { collectImage, type Collection } from './collect.js';
import { checkNamespaces } from '../spec.js';
import { writeAllButInventory } from '../image/checkpoint-image.js';
import { ImageReader } from '../image/image-reader.js';
import { ImageWriter } from '../image/image-writer.js';
import { writeTmpfs } from '../image/tmpfs-files.js';
import { openSource } from '../memory/live/open-source.js';
import { LayoutLost, type CopiedAhead } from '../memory/live/take-memory.js';
import { readMap, type ReadMap } from '../memory/live/read-map.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { readMaps } from '../procfs/reader.js';
import { compileLater } from '../compile-later.js';
import { inTime } from './in-time.js';
import { newRecord } from './new-record.js';
import { checkRestorable } from './restorable.js';
import { checkRegisters, resumeRegisters } from '../resources/attributes.js';
import { checkSurroundings } from '../resources/surroundings.js';
import { dumpTmpfs, type TmpfsMount } from '../resources/tmpfs.js';
import { DEFAULT_RETRY_MS } from '../constants.js';
import type { CheckpointRequest, CheckpointResult } from './request.js';
import { EndedMeanwhile, retrying, tryingOnce, type Patience } from '../retry.js';
import { StageClock } from '../stages.js';
import { LifeWatch } from '../tracee/life-watch.js';
import { checkMemoryRoom } from '../tracee/memory-room.js';
import { Session } from '../tracee/session.js';
import { LetGo } from '../tracee/standstill.js';
import { Guard } from '../vas/guard.js';
import { encodeSegments, segmentsOf } from '../vas/segments.js';
import { memoryLimitOf } from '../vas/vas-cgroup.js';
import { createVas, removeVas, waitSocketOf, writeRecord, type VasRecord } from '../vas/store.js';

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
  checkNamespaces(request.spec, `checkpoint ${request.containerId}`);
  const attempt = () => tryCheckpoint(request);
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
async function tryCheckpoint(request: CheckpointRequest): Promise<CheckpointResult> {
  const scope = new Scope();
  const life = new LifeWatch(request);
  const given = request.signal ? [request.signal] : [];
  const signal = AbortSignal.any([...given, life.signal]);
  try {
    return await run({ ...request, signal }, life, scope);
  } catch (error) {
    // Asked before the clean-up: a process that is let go is reaped, and can no longer be asked.
    const ended = life.ended();
    await scope.close();
    if (error instanceof LetGo) await removeLeftovers(request);
    if (error instanceof LayoutLost) return await tryCheckpoint({ ...request, preCopy: 'never' });
    throw ended ?? error;
  } finally {
    life.stop();
  }
}

async function run(
  request: CheckpointRequest,
  life: LifeWatch,
  scope: Scope,
): Promise<CheckpointResult> {
  const clock = new StageClock();
  const cgroup = findCgroup(request);
  const image = await openImage(request, scope);
  const vas = await openVas(request, scope);
  const { id } = vas;
  const guard = armGuard(id, cgroup, scope);
  clock.end('prepare');

  life.start();
  const patience = patienceOf(request);
  const aheadRequest = { ...request, ...vas, cgroup, scope, patience };
  const { source, stoppedMs, preCopy } = await copyAhead(aheadRequest);
  clock.end('ahead');

  const options = { life, clock, patience, ahead: source.ahead };
  const attempt = () => warningOnSuccess(() => stopAndInspect(request, id, options));
  const { session, tmpfs, collection, mounts } = isFrozen(cgroup)
    ? await tryingOnce(attempt)
    : await retrying(patience, attempt);
  scope.defer('let the container go on', () => session.close());

  const kernelAreas = await source.clear(collection.base);
  await source.hold(collection);
  session.standstill.check();
  checkAborted(request);
  life.stop();
  clock.end('copy');

  if (request.leaveRunning) {
    await session.letGo();
    guard?.disarm();
  }
  clock.end('resume');

  image.written = writeFiles(image.writer, collection, tmpfs);
  void settled(image.written);
  checkRestorable({ ...collection, kernelAreas, mounts, spec: request.spec.process });
  await source.fill();
  clock.end('fill');

  await vas.holder.seal();
  await inTime(image.written, WRITE_LIMIT_MS, `write the image ${request.imagePath}`);
  session.standstill.lookAt(`the image ${request.imagePath}`);
  checkAborted(request);
  const told = { backend: source.backend, frozenMs: clock.sum(FROZEN_STAGES) + stoppedMs, preCopy };
  const { writer } = image;
  const record = await commit(request, { vas, writer, collection, kernelAreas, told });
  clock.end('commit');

  session.standstill.check();
  scope.release(); // A complete checkpoint is not undone, whatever goes wrong afterwards.
  guard?.disarm();
  if (!request.leaveRunning) session.kill();
  await session.close();
  vas.holder.close();
  source.close();
  clock.end('kill');
  const { timingsMs } = clock;
  return { vasId: id, timingsMs, frozenMs: record.frozenMs, bytes: record.bytes, preCopy };
}

/** The cgroup of a container that is alive. */
function findCgroup({ initPid, containerId }: CheckpointRequest): Cgroup {
  const cgroup = cgroupOf(initPid);
  if (cgroup) return cgroup;
  const message = `checkpoint ${containerId}: it has exited, or has no cgroup of its own`;
  throw new ShimError('failedPrecondition', message);
}

interface AttemptOptions {
  readonly life: LifeWatch;
  readonly clock: StageClock;
  readonly patience: Patience;
  readonly ahead: CopiedAhead | undefined;
}

/** Stops the container and inspects it. If that fails, the container goes on. */
async function stopAndInspect(
  request: CheckpointRequest,
  vasId: VasId,
  { life, clock, patience, ahead }: AttemptOptions,
) {
  checkAborted(request);
  const { initPid, execs } = request;
  clock.skip(); // The time since the last try belongs to no stage.
  const session = await Session.seize(initPid, findCgroup(request), { execs, patience });
  try {
    life.watch(session.processes);
    clock.end('seize');
    checkRegisters(session.processes);
    session.standstill.lookAt('the places of its mounts');
    const mounts = checkSurroundings(initPid, session.processes, request);
    // Judged before any memory is read: reading memory that a process of the container serves would
    // hang.
    let memory = readAllMemory(session, ahead);
    session.resumeWith(resumeRegisters(session.processes));
    const areasOf = (pid: HostPid) => memory.get(pid)?.vmas ?? [];
    if (await session.removeLeftovers(areasOf)) memory = readAllMemory(session, ahead);
    checkMemoryRoom(session.processes);
    await session.prepare(areasOf);
    session.standstill.lookAt('the content of its tmpfs mounts');
    const tmpfs = await dumpTmpfs(initPid, request.tmpfsMounts);
    const stdio = stdioLinksOf(request);
    const owners = [...memory.values()];
    const collection = await collectImage(session, {
      ...request,
      ...{ vasId, owners, ahead, tmpfs, stdio },
    });
    session.standstill.check();
    checkAborted(request);
    clock.end('inspect');
    return { session, tmpfs, collection, mounts };
  } catch (error) {
    const reason: ShimError | undefined = session.standstill.reason ?? life.ended();
    life.watch([]);
    await session.close();
    throw reason ?? error;
  }
}

/** Removes our page from a container that was let go early. */
async function removeLeftovers(request: CheckpointRequest): Promise<void> {
  try {
    const patience = { limitMs: 0 };
    const session = await Session.seize(request.initPid, findCgroup(request), { patience });
    await session.removeLeftovers(readMaps).finally(() => session.close());
  } catch (error) {
    log.warn('memory of ours stays in the container until its next checkpoint', {
      error: String(error),
    });
  }
}

/** Memory by host pid, read before anything of ours is in the processes. */
function readAllMemory(
  { processes }: Session,
  ahead: CopiedAhead | undefined,
): ReadonlyMap<number, ReadMap> {
  return new Map(
    processes.map((process) => [process.pid, readMap(process, ahead?.tracks(process.pid))]),
  );
}

function stdioLinksOf({ runcRoot, containerId }: CheckpointRequest): StdioLinks | undefined {
  return runcRoot === undefined ? undefined : readRuntimeState(join(runcRoot, containerId))?.stdio;
}

/** The image directory. Its files are written once the container no longer has to stand still. */
async function openImage({ imagePath }: CheckpointRequest, scope: Scope) {
  const writer = await ImageWriter.create(imagePath);
  const image = { writer, written: Promise.resolve() };
  scope.defer('remove the image', async () => {
    await settled(image.written);
    await writer.discard();
  });
  return image;
}

/** A new VAS with an empty holder, and the source of its memory. */
async function openVas({ memoryLimit, leaveRunning, signal }: CheckpointRequest, scope: Scope) {
  const { id, holder, lifeline } = await createVas(memoryLimit);
  scope.defer('remove the VAS', () => removeVas(id));
  const cut = () => {
    lifeline.cut();
  };
  scope.defer('end the holder', cut);
  signal?.addEventListener('abort', cut); // Whatever is in progress there fails at once.
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
  return { id, holder, holderPid, source, lifeline };
}

/** Completes the checkpoint: from here on it outlives this process. */
async function commit(
  { imagePath, containerId }: CheckpointRequest,
  made: {
    readonly vas: Awaited<ReturnType<typeof openVas>>;
    readonly writer: ImageWriter;
    readonly collection: Collection;
    readonly kernelAreas: readonly KernelArea[];
    /** How it was made. */
    readonly told: Pick<VasRecord, 'backend' | 'frozenMs' | 'preCopy'>;
  },
): Promise<VasRecord> {
  const { vas, writer, collection, kernelAreas, told } = made;
  await writer.commit(collection.image.inventory, { durable: false });
  const record: VasRecord = {
    ...newRecord(vas.id, { containerId, collection, kernelAreas }),
    ...told,
    ...describeImage(imagePath),
  };
  writeRecord(record, encodeSegments(collection.maps.map(segmentsOf)));
  vas.lifeline.complete();
  return record;
}

async function writeFiles(
  writer: ImageWriter,
  { image }: Collection,
  tmpfs: readonly TmpfsMount[],
): Promise<void> {
  await writeTmpfs(writer, tmpfs);
  await writeAllButInventory(writer, image);
}

function describeImage(imagePath: string): Pick<VasRecord, 'imageDigest' | 'imageSize'> {
  const reader = ImageReader.open(imagePath);
  try {
    return { imageDigest: reader.digest(), imageSize: reader.size() };
  } finally {
    reader.close();
  }
}

/** Waits until some work ends, however it ends; its error is reported elsewhere. */
async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

function armGuard(vasId: VasId, cgroup: Cgroup, scope: Scope): Guard | undefined {
  if (!isFrozen(cgroup)) return undefined;
  const guard = Guard.frozen(waitSocketOf(vasId), cgroup);
  scope.defer('end the watch over the frozen state', () => {
    guard.disarm();
  });
  return guard;
}

/** A checkpoint can be cancelled between its stages, until it is complete. */
function checkAborted(request: CheckpointRequest): void {
  assertNotAborted(request.signal, `checkpoint ${request.containerId}`);
}
