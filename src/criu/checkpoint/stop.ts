// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { HostPid, VasId } from '../../common/ids.js';
import { cgroupOf, isFrozen, type Cgroup } from '../../common/cgroup.js';
import { assertNotAborted, ShimError } from '../../common/errors.js';
import { tellAll } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import { readRuntimeState, type StdioLinks } from '../../common/runtime-state.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import { findMemory, type CopiedAhead } from '../memory/live/take-memory.js';
import type { Owner } from '../memory/live/same-pages.js';
import { readStillMap, type ReadMap } from '../memory/live/read-map.js';
import { checkRegisters, resumeRegisters } from '../resources/attributes.js';
import { checkIpc } from '../resources/ipc/check.js';
import { dumpIpc, NO_IPC, type IpcDump, type IpcRequest } from '../resources/ipc/dump.js';
import { ownsIpc } from '../resources/ipc/live.js';
import { checkSurroundings } from '../resources/surroundings.js';
import { DEFAULT_EXEC_MODE, type ExecMode } from '../constants.js';
import type { Lasting } from '../lasting.js';
import { retrying, tryingOnce, type Patience } from '../retry.js';
import type { StageClock } from '../stages.js';
import type { LifeWatch } from '../tracee/life-watch.js';
import { labelOf } from '../tracee/label.js';
import { checkMemoryRoom } from '../tracee/memory-room.js';
import { hasUserNamespace } from '../spec.js';
import { Session } from '../tracee/session.js';
import type { PlacedProcesses } from '../memory/live/source.js';
import type { Begun } from './begun.js';
import {
  collectImage,
  readTree,
  type Collection,
  type CollectRequest,
  type Tree,
} from './collect.js';
import { notKept } from './execs.js';
import type { CheckpointRequest } from './request.js';

/** What a stop needs besides the request. */
export interface StopOptions {
  readonly life: LifeWatch;
  readonly clock: StageClock;
  readonly patience: Patience;
  readonly cgroup: Cgroup;
  readonly vasId: VasId;
  /** A process that has never used SEM_UNDO. */
  readonly plainPid: HostPid;
  readonly ahead: CopiedAhead | undefined;
  /** Called each time before a container that somebody has frozen is thawed. */
  readonly beforeThaw: () => void;
  /** What looks before the stop have left. */
  readonly lasting: Lasting;
  /** Called once it is known what memory there is. */
  readonly begin: (session: Session, memory: PlacedProcesses) => Begun;
}

/** A container that stands still, and everything about it but the content of its memory. */
export interface Stopped extends Stock {
  /** What holds its memory. */
  readonly begun: Begun;
  readonly session: Session;
  readonly mounts: readonly MountInfo[];
  /** Those of its processes that came by exec, for messages. */
  readonly execs: readonly string[];
}

/**
 * Stops a container and inspects it. If that fails for a moment only, it is tried again while there is patience, and the
 * container runs in between; one that is frozen does not, and so is stopped once.
 */
export async function stop(request: CheckpointRequest, options: StopOptions): Promise<Stopped> {
  let tries = 0;
  const attempt = () => stopAndInspect(request, options, tries++ === 0);
  if (isFrozen(options.cgroup)) return tryingOnce(attempt);
  return retrying(options.patience, attempt);
}

/**
 * Stops the container and inspects it. If that fails, the container goes on.
 *
 * @param isFirst that is not expected, so that its memory is held from early on
 */
async function stopAndInspect(
  request: CheckpointRequest,
  { life, clock, patience, vasId, plainPid, ahead, beforeThaw, lasting, begin }: StopOptions,
  isFirst: boolean,
): Promise<Stopped> {
  checkAborted(request);
  const { initPid, exec = DEFAULT_EXEC_MODE, execs, spec } = request;
  let stock: Stock | undefined;
  let begun: Begun | undefined;
  const beforeStop = () => {
    clock.skip(); // The time until now belongs to no stage: the container ran.
  };
  const session = await Session.seize(initPid, findCgroup(request), {
    ...{ exec, execs, patience, beforeStop, beforeThaw },
  });
  try {
    life.watch(session.processes);
    clock.end('seize');
    checkRegisters(session.processes);
    session.standstill.lookAt('the places of its mounts');
    const mounts = checkSurroundings(initPid, session.processes, request);
    mark('surroundings');
    const stdio = stdioLinksOf(request);
    const tree = readTree(session, initPid);
    const ipc = { isOwn: ownsIpc(initPid, spec), plainPid };
    const where = { vasId, ahead, lasting, hasUserNamespace: hasUserNamespace(spec) };
    const onMemory = (memory: PlacedProcesses) => {
      if (isFirst) begun = begin(session, memory);
    };
    stock = await takeStock(session, { ...request, ...where, exec, tree, ipc, stdio, onMemory });
    checkStill(session, request);
    begun ??= begin(session, stock.collection);
    clock.end('inspect');
    tellAll(stock.collection.warnings);
    return { session, begun, mounts, execs: session.execs.map(labelOf), ...stock };
  } catch (error) {
    stock?.close();
    const reason: ShimError | undefined = session.standstill.reason ?? life.ended();
    life.watch([]);
    const told = reason ?? notKept(error, session.execs.map(labelOf));
    await begun?.end();
    await session.close();
    throw told;
  }
}

/** What a look at an IPC namespace needs. */
interface IpcOwner extends Pick<IpcRequest, 'plainPid'> {
  readonly isOwn: boolean;
}

/** What to take stock of, besides the processes. */
export interface StockRequest {
  readonly initPid: HostPid;
  /** Who forks whom. */
  readonly tree: Tree;
  readonly containerId: string;
  readonly vasId: VasId;
  readonly tmpfsMounts: readonly string[];
  readonly ahead: CopiedAhead | undefined;
  /** Whether the IPC namespace is the container's own, and who has never used SEM_UNDO; not asked for without. */
  readonly ipc?: IpcOwner;
  readonly stdio: StdioLinks | undefined;
  readonly exec: ExecMode;
  readonly hasUserNamespace?: boolean;
  readonly lasting: Lasting;
  readonly onMemory?: CollectRequest['onMemory'];
  readonly signal?: AbortSignal | undefined;
}

/** What a stopped container consists of. */
export interface Stock {
  readonly collection: Collection;
  /** Closes what memory is copied from; to be called once it is. */
  readonly close: () => void;
}

/**
 * Takes stock of stopped processes, and makes them ready for remote calls.
 *
 * @throws ShimError `failedPrecondition` for whatever cannot be restored, `canceled`
 */
export async function takeStock(session: Session, request: StockRequest): Promise<Stock> {
  const { ahead } = request;
  // Judged before any memory is read: reading memory that a process of the container serves would
  // hang.
  let memory = readAllMemory(session, ahead);
  mark('areas');
  session.resumeWith(resumeRegisters(session.processes));
  const areasOf = (pid: HostPid) => memory.get(pid)?.vmas ?? [];
  if (await session.removeLeftovers(areasOf)) memory = readAllMemory(session, ahead);
  checkMemoryRoom(session.processes);
  const owners = [...memory.values()];
  const found = await beside(session.prepare(areasOf), () =>
    findMemory(owners, request.tree.forkers, ahead),
  );
  mark('page of ours, pages');
  const ipc = await readIpc(request, session, owners);
  mark('ipc');
  try {
    const collection = await collectImage(session, { ...request, memory: found, ipc });
    const close = () => {
      ipc.close();
      collection.close();
    };
    return { collection, close };
  } catch (error) {
    ipc.close();
    throw error;
  }
}

/** Does something while something else, which has begun, goes on; ends once both have. */
async function beside<T>(begun: Promise<void>, work: () => T): Promise<T> {
  try {
    return work();
  } finally {
    await begun;
  }
}

/** What the container has in its IPC namespace, if that is its own. */
async function readIpc(
  { initPid, ipc }: StockRequest,
  { processes }: Session,
  owners: readonly Owner[],
): Promise<IpcDump> {
  if (!ipc) return NO_IPC;
  checkIpc(initPid, owners, ipc.isOwn);
  return ipc.isOwn ? await dumpIpc({ ...ipc, initPid, processes, owners }) : NO_IPC;
}

/** Memory by host pid, read before anything of ours is in the processes. */
function readAllMemory(
  { processes }: Session,
  ahead: CopiedAhead | undefined,
): ReadonlyMap<number, ReadMap> {
  return new Map(
    processes.map((process) => [process.pid, readStillMap(process, ahead?.tracks(process.pid))]),
  );
}

function stdioLinksOf({ runcRoot, containerId }: CheckpointRequest): StdioLinks | undefined {
  return runcRoot === undefined ? undefined : readRuntimeState(join(runcRoot, containerId))?.stdio;
}

/** The cgroup of a container that is alive. */
export function findCgroup({ initPid, containerId }: CheckpointRequest): Cgroup {
  const cgroup = cgroupOf(initPid);
  if (cgroup) return cgroup;
  const message = `checkpoint ${containerId}: it has exited, or has no cgroup of its own`;
  throw new ShimError('failedPrecondition', message);
}

/** A checkpoint can be cancelled between its stages, until it is complete. */
export function checkAborted(request: CheckpointRequest): void {
  assertNotAborted(request.signal, `checkpoint ${request.containerId}`);
}

/** Whether the container still stands still, and the checkpoint is still wanted. */
export function checkStill({ standstill }: Session, request: CheckpointRequest): void {
  standstill.check();
  checkAborted(request);
}
