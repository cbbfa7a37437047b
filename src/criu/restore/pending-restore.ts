// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expectCgroupMoves } from '../../common/cgroup-moves.js';
import { type HostPid, INIT, type NsPid, type VasId } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { assertInvariant, assertNotAborted, ShimError } from '../../common/errors.js';
import { Scope } from '../../common/scope.js';
import { O } from '../../native/abi/index.js';
import { closeFd, openPidfd } from '../../native/sys.js';
import { checkNetworkOf, findHeldFiles } from './held-connections.js';
import { startDonor, type Donor } from './donor/donor.js';
import { readLiveSpec, sharedPidNamespace, type Spec } from '../spec.js';
import { giveStdio, linksOf } from './donor/give-stdio.js';
import { enterCgroups, succeed, takeOver } from './donor/take-over.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import type { TtyInfoEntry } from '../image/types.js';
import { rootOf } from '../image/validate-tasks.js';
import { countOf } from '../image/vma-rows.js';
import { DEFAULT_TCP_MODE } from '../constants.js';
import { findImage, readImage, type FoundImage, type OpenedImage } from './open-image.js';
import { readLiveSeccomp, type LiveLimits } from '../resources/attributes.js';
import {
  findConsole,
  findKeepable,
  isExecStream,
  judgeEnding,
  namesSecret,
} from '../resources/files/index.js';
import { openOwn } from '../resources/files/system.js';
import { openSysctl } from '../resources/ipc/live.js';
import { restoreTmpfs } from '../resources/tmpfs.js';
import type { HeldFiles, LiveFacts } from '../plan/live-facts.js';
import { tellIdentity } from './identity.js';
import { planRestore, type Given, type RestorePlan } from '../plan/restore-plan.js';
import { cgroupPlacesOf, successorSpec } from './predecessor.js';
import { readLiveFacts } from './read-live-facts.js';
import type { FinishRequest, RestoredTask, RestoreRequest } from './restore-request.js';
import { Restorer } from './restorer.js';
import { checkIds, checkSharing } from './shared-pids.js';
import { birthplaceOf } from '../user-namespace.js';
import { OUTSIDE } from '../tree/process-tree.js';
import { StageClock } from '../stages.js';
import { watchExit, type Exit } from '../vas/exit-watch.js';
import { untilFilled } from '../vas/filling.js';
import { KernelDevice } from '../vas/kernel-device.js';
import { letGoOfHeld } from '../vas/hold.js';
import { connectVas, waitSocketOf } from '../vas/store.js';

/** An image with more threads, files and areas of memory than this is not rehearsed. */
const MOST_REHEARSED = 500;
const log = logger('restore');

/** What has been prepared when a restore begins. */
interface Prepared {
  readonly vasId: VasId;
  readonly live: Spec;
  readonly restorer: Restorer;
  readonly exited: Promise<Exit>;
  readonly consoleSocket: string | undefined;
}

/** A restore in progress: see {@link beginRestore}. */
export class PendingRestore {
  readonly #request: RestoreRequest;
  readonly #prepared: Prepared;
  readonly #scope: Scope;
  readonly #clock: StageClock;
  #opened: OpenedImage | undefined;
  #donor: Promise<Donor>;
  #hasDonor = false;
  #hasFailed = false;
  /** With `tcp=keep`. */
  #held: HeldFiles | undefined;

  private constructor(
    request: RestoreRequest,
    prepared: Prepared,
    { scope, clock }: { readonly scope: Scope; readonly clock: StageClock },
  ) {
    this.#request = request;
    this.#prepared = prepared;
    this.#scope = scope;
    this.#clock = clock;
    this.#donor = this.#startDonor();
    this.#donor.then(
      () => (this.#hasDonor = true),
      () => (this.#hasFailed = true),
    );
    scope.defer('end what the restore has made', () => this.#destroy());
  }

  /** See {@link beginRestore}. */
  static async begin(request: RestoreRequest): Promise<PendingRestore> {
    const scope = new Scope();
    const clock = new StageClock();
    let found: FoundImage | undefined;
    try {
      const image = findImage(request.imagePath);
      found = image;
      if (!image.record.isComplete) await untilFilled(image.record.id, request.signal);
      const live = readLiveSpec(request.bundle);
      const ahead = openAhead(request, image, live);
      const root = ahead ? rootOf(ahead.image) : INIT;
      const begin = () => prepare(request, image, { live, root, scope, clock });
      const prepared = await expectCgroupMoves(begin);
      const restore = new PendingRestore(request, prepared, { scope, clock });
      const opened = ahead ?? readImage(image, request.imagePath);
      checkSharing(opened.image, live, `restore ${request.containerId}`);
      restore.#opened = opened;
      if (request.tcp === 'keep')
        restore.#held = await findHeldFiles(image.record.id, opened.image);
      judgeConnections(request, opened, { severed: new Set(), held: restore.#held });
      clock.end('open');
      return restore;
    } catch (error) {
      await scope.close();
      throw error;
    } finally {
      found?.reader.close();
    }
  }

  /** Brings the container to life; called once. On failure nothing is left. */
  async finish(request: FinishRequest): Promise<RestoredTask> {
    try {
      const timingsMs = await this.#finish(request);
      const { vasId, restorer, exited } = this.#prepared;
      const { pid } = restorer;
      log.info('done', { container: this.#request.containerId, pid, vas: vasId });
      return { pid, vasId, timingsMs, exited };
    } catch (error) {
      const wasKilled = this.#prepared.restorer.wasKilled();
      await this.#scope.close();
      if (!wasKilled) throw error;
      const message = `restore ${this.#request.containerId}: the container was killed meanwhile`;
      throw new ShimError('aborted', message, { cause: error });
    }
  }

  /** Gives the restore up; nothing is left. */
  abandon(): Promise<void> {
    return this.#scope.close();
  }

  async #finish(finish: FinishRequest): Promise<RestoredTask['timingsMs']> {
    const { stdio } = finish;
    const { live, restorer, consoleSocket } = this.#prepared;
    const { predecessor } = this.#request;
    const opened = this.#opened;
    assertInvariant(opened !== undefined, 'a restore that has begun has read its image');
    const hasConsole = consoleSocket !== undefined;
    const clock = this.#clock;
    clock.skip();
    // What the root filesystem lacked at first may have been added since (CRI does so).
    if (this.#hasFailed) this.#donor = this.#startDonor();
    const { kernelAreas } = opened;
    const secret = namesSecret(this.#prepared.vasId, this.#request.containerId);
    const readFacts = (donorPid: HostPid, seccompChain?: LiveLimits['seccompChain']): LiveFacts =>
      readLiveFacts({
        ...{ live, donorPid, stdio, hasConsole, seccompChain, kernelAreas, secret },
        held: this.#held,
        predecessor: this.#kept(),
        restorerPid: restorer.pid,
        image: donorPid === restorer.pid ? undefined : opened.image,
        hasIpc: opened.image.ipcLimits !== undefined && donorPid !== restorer.pid,
      });
    if (!this.#hasDonor && isSmall(opened.image))
      rehearse(() => planRestore(opened, readFacts(restorer.pid)));
    const donor = await this.#donor;
    clock.end('donor');

    const parents = [restorer.pid, ...(await this.#forkOutside(opened))];
    const work = [
      ...parents.map((pid) => enterCgroups(predecessor?.initPid ?? donor.pid, pid)),
      this.#fillMounts(donor.pid, opened),
    ];
    const settled = Promise.allSettled(work);
    this.#scope.defer('wait for what is under way', async () => {
      await settled; // Both name processes that are about to end.
    });
    const seccompChain = await readLiveSeccomp(donor.pid);
    this.#settleConnections(opened, donor.pid);
    giveStdio(stdio, donor.pid, opened.image.files);
    const facts = readFacts(donor.pid, seccompChain);
    const ended = judgeConnections(this.#request, opened, facts);
    if (ended > 0) log.warn('TCP connections have ended', { count: ended });
    const streams = opened.image.files.filter(isExecStream).length;
    if (streams > 0) log.warn('streams of execs lead to /dev/null', { count: streams });
    const plan = planRestore(opened, facts);
    clock.end('plan');

    await withDescriptors(donor.pid, stdio, (descriptorOf) => restorer.start(plan, descriptorOf));
    clock.end('join');

    await Promise.all(work);
    const { removed } = await this.#adopt(donor, finish);
    clock.end('adopt');

    const threads = await restorer.build();
    clock.end('build');

    this.#takeConnections();
    await restorer.release(threads, this.#request.clone?.signal);
    this.#scope.release();
    clock.end('release');
    await (removed ?? removeDonor(donor));
    return { ...clock.timingsMs, forkCall: restorer.forkMs };
  }

  /**
   * Makes PID 1 the container's init. Returns the removal of the donor's bundle; a predecessor's donor is another
   * container, which ends when nobody waits for it.
   */
  async #adopt(
    donor: Donor,
    { stdio, signal }: FinishRequest,
  ): Promise<{ readonly removed: Promise<void> | undefined }> {
    // Its threads have ids in the namespace that ours are about to take, and its death hangs up the
    // terminal that is about to be opened again.
    const { bundle, runcRoot, containerId, predecessor } = this.#request;
    const stateDirectory = join(runcRoot, containerId);
    const initPid = this.#prepared.restorer.pid;
    const from = { stateDirectory, bundle, donor, initPid, stdio: linksOf(stdio) };
    if (predecessor) {
      assertNotAborted(signal, `restore ${containerId}`); // Once it has ended, there is no way back.
      await succeed(from, predecessor);
      return { removed: undefined };
    }
    await takeOver(from);
    const removed = removeBundle(donor);
    assertNotAborted(signal, `restore ${containerId}`);
    return { removed };
  }

  /** Forks what is to fork processes that came by exec, if there are any. */
  async #forkOutside({ image }: OpenedImage): Promise<HostPid[]> {
    const [, ...others] = image.pstree;
    if (!others.some(({ ppid }) => ppid === OUTSIDE)) return [];
    const { vasId, restorer } = this.#prepared;
    const holder = connectVas(vasId);
    try {
      return [await restorer.forkOutside(holder)];
    } finally {
      holder.close();
    }
  }

  /** Content of the new container that processes find when they begin to run. */
  async #fillMounts(donorPid: HostPid, { tmpfs, record }: OpenedImage): Promise<void> {
    await restoreTmpfs(donorPid, tmpfs);
    const { containerId: id, clone } = this.#request;
    const { containerId: parent, id: checkpoint } = record;
    tellIdentity(donorPid, this.#prepared.live, { id, parent, checkpoint, index: clone?.index });
  }

  /** What the keeper holds is of use only in the same network, and otherwise in the way of what is made anew. */
  #settleConnections({ image, record }: OpenedImage, donorPid: HostPid): void {
    if (this.#held) checkNetworkOf(this.#held, donorPid);
    else if (findKeepable(image).length > 0) letGoOfHeld(record.id);
  }

  /** From now on no other restore can have them. */
  #takeConnections(): void {
    if (!this.#held || this.#held.files.size === 0) return;
    if (letGoOfHeld(this.#prepared.vasId) > 0) return;
    const message = `restore ${this.#request.containerId}: another restore has its TCP connections (tcp=keep)`;
    throw new ShimError('failedPrecondition', message);
  }

  #startDonor(): Promise<Donor> {
    const { live, restorer, consoleSocket } = this.#prepared;
    const { containerId, predecessor } = this.#request;
    const what = predecessor
      ? { containerId: predecessor.donorId, spec: successorSpec(live, predecessor) }
      : { containerId, spec: live };
    const initPid = restorer.pid;
    return expectCgroupMoves(() =>
      startDonor({ ...this.#request, ...what, initPid, consoleSocket }),
    );
  }

  /** What stays of a container whose place is taken. */
  #kept(): LiveFacts['predecessor'] {
    const { predecessor } = this.#request;
    const cgroupPlaces = cgroupPlacesOf(this.#prepared.live);
    return predecessor && { pid: predecessor.initPid, cgroupPlaces };
  }

  /**
   * The donor dies before the restored processes, whose namespace would wait for it. runc deletes
   * it after them, since it cannot delete a container that a tracer still holds.
   */
  async #destroy(): Promise<void> {
    const { restorer } = this.#prepared;
    const donor = await this.#donor.catch(() => undefined);
    await donor?.kill();
    await restorer.destroy();
    await donor?.destroy();
  }
}

/** What a restore begins with. */
interface Beginning {
  readonly live: Spec;
  /** The pid of the container's init. */
  readonly root: NsPid;
  readonly scope: Scope;
  readonly clock: StageClock;
}

/**
 * Reads the image before anything is made, where the new container shares a pid namespace: others may have its ids.
 *
 * @throws ShimError `failedPrecondition` if somebody has one
 */
function openAhead(
  { containerId, imagePath, predecessor }: RestoreRequest,
  found: FoundImage,
  live: Spec,
): OpenedImage | undefined {
  const path = sharedPidNamespace(live);
  if (path === undefined) return undefined;
  const attempt = `restore ${containerId}`;
  if (predecessor) {
    const why = 'a container that shares a pid namespace cannot be rolled back in place';
    throw new ShimError(
      'failedPrecondition',
      `${attempt}: ${why}; remedy: restore it into a new pod`,
    );
  }
  const opened = readImage(found, imagePath);
  checkSharing(opened.image, live, attempt);
  checkIds(opened.image, path, attempt);
  return opened;
}

async function prepare(
  request: RestoreRequest,
  { reader, record }: FoundImage,
  { live, root, scope, clock }: Beginning,
): Promise<Prepared> {
  const consoleSocket = await openConsole(request, reader.readIfAny('tty-info'));
  const holder = connectVas(record.id);
  clock.end('find');

  const { predecessor } = request;
  const place = predecessor ? successorSpec(live, predecessor) : live;
  const restorer = await Restorer.fork(holder, birthplaceOf(place, root)).finally(() => {
    holder.close();
  });
  scope.defer('end the restorer', () => restorer.destroy());
  const exited = exitOf(record.id, restorer.pid);
  clock.end('fork');
  return { vasId: record.id, live, restorer, exited, consoleSocket };
}

/** Returns how many connections end; see {@link judgeEnding}. */
function judgeConnections(
  { containerId, tcp }: RestoreRequest,
  { image }: OpenedImage,
  { severed, held }: Pick<LiveFacts, 'severed' | 'held'>,
): number {
  try {
    return judgeEnding(image, { mode: tcp ?? DEFAULT_TCP_MODE, severed, held: held?.files });
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    throw new ShimError(kind, `restore ${containerId}: ${message}`, { cause });
  }
}

async function openConsole(
  { containerId, openConsole: open }: RestoreRequest,
  ttys: readonly TtyInfoEntry[],
): Promise<string | undefined> {
  const hadTerminal = findConsole(ttys) !== undefined;
  const socket = await open?.(hadTerminal);
  if (!hadTerminal || socket !== undefined) return socket;
  const why = 'the checkpointed container had a terminal; remedy: give the new one a terminal';
  throw new ShimError('failedPrecondition', `restore ${containerId}: ${why}`);
}

/** Whether planning takes less time than runc does: the plan of a large image warms up its own code. */
function isSmall({ cores, files, mms }: CheckpointImage): boolean {
  let count = cores.size + files.length;
  for (const { vmas } of mms.values()) count += countOf(vmas);
  return count <= MOST_REHEARSED;
}

/**
 * Makes a plan and discards it while runc is busy: a shim restores once in its life, and code runs
 * several times slower the first time. A refusal means nothing here, since this plan is made for
 * the restorer's surroundings instead of the donor's.
 */
function rehearse(plan: () => RestorePlan): void {
  try {
    plan().finish();
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    const isBug = kind === 'internal' || kind === 'unknown';
    log[isBug ? 'warn' : 'debug']('the plan could not be rehearsed', { kind, error: message });
  }
}

/** If it fails, the directory goes with the container's. */
async function removeBundle({ bundle }: Donor): Promise<void> {
  await rm(bundle, { recursive: true }).catch(() => undefined);
}

async function removeDonor(donor: Donor): Promise<void> {
  try {
    await donor.destroy();
  } catch (error) {
    log.warn('a donor is left', { bundle: donor.bundle, error: String(error) });
  }
}

/** Opens what a plan needs besides stdio, for as long as `use` takes. */
async function withDescriptors(
  donorPid: HostPid,
  stdio: FinishRequest['stdio'],
  use: (descriptorOf: (given: Given) => number) => Promise<void>,
): Promise<void> {
  const opened = new Map<Given, number>();
  const open = (given: Given): number => {
    const fd = openGiven(donorPid, given);
    opened.set(given, fd);
    return fd;
  };
  try {
    await use((given) => (typeof given === 'number' ? (stdio[given] ?? -1) : open(given)));
  } finally {
    for (const fd of opened.values()) closeFd(fd);
  }
}

function openGiven(donorPid: HostPid, given: Given): number {
  if (typeof given === 'object') {
    if ('pid' in given) return openPidfd(given.pid);
    if ('sysctl' in given) return openSysctl(donorPid, given.sysctl);
    return openOwn(`/proc/${String(donorPid)}/ns/${given.namespace}`, O.rdonly);
  }
  return given === 'donor' ? openPidfd(donorPid) : KernelDevice.open().fd;
}

function exitOf(vasId: VasId, pid: HostPid): Promise<Exit> {
  return watchExit(waitSocketOf(vasId), pid).catch((error: unknown) => {
    log.error('the exit of a restored container cannot be watched', { pid, error: String(error) });
    return { status: 255, at: new Date() };
  });
}
