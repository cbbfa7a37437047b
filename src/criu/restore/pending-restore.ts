// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { beginMoves, expectCgroupMoves } from '../../native/cgroup-moves.js';
import { INIT, type HostPid, type VasId } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { collectAhead } from '../../common/new-space.js';
import { assertInvariant, assertNotAborted, ShimError } from '../../common/errors.js';
import { forAll } from '../../common/for-all.js';
import { Scope } from '../../common/scope.js';
import { checkNetworkOf, findHeldFiles } from './held-connections.js';
import { removeBundle, removeDonor, startDonor, type Donor } from './donor/donor.js';
import { readLiveSpec, sharedPidNamespace, type Spec } from '../spec.js';
import { giveStdio, linksOf } from './donor/give-stdio.js';
import { enterCgroups, succeed, takeOver } from './donor/take-over.js';
import type { TtyInfoEntry } from '../image/types.js';
import { rootOf } from '../image/validate-tasks.js';
import { DEFAULT_TCP_MODE } from '../constants.js';
import { findImage, readImage, type FoundImage, type OpenedImage } from './open-image.js';
import { readLiveSeccomp } from '../resources/attributes.js';
import {
  findConsole,
  hasKeepable,
  isExecStream,
  judgeEnding,
  namesSecret,
} from '../resources/files/index.js';
import { openTmpfs, restoreTmpfs, type OpenedTmpfs } from '../resources/tmpfs.js';
import type { HeldFiles, LiveFacts } from '../plan/live-facts.js';
import { tellIdentity } from './identity.js';
import { planRestore } from '../plan/restore-plan.js';
import { canExpect, expectedFacts } from './expected-facts.js';
import { withDescriptors } from './given-descriptors.js';
import { PlanAhead } from './plan-ahead.js';
import { cgroupPlacesOf, successorSpec } from './predecessor.js';
import { readLiveFacts, type LiveSources } from './read-live-facts.js';
import type { FinishRequest, RestoredTask, RestoreRequest } from './restore-request.js';
import { Restorer } from './restorer.js';
import { RecentImage } from './recent-image.js';
import { checkSharing, forkAmongOthers } from './shared-pids.js';
import { isSmall } from './small-image.js';
import { Succession } from './succession.js';
import { birthplaceOf } from '../user-namespace.js';
import { OUTSIDE } from '../tree/process-tree.js';
import { StageClock } from '../stages.js';
import { exitOf, type Exit } from '../vas/exit-watch.js';
import { untilFilled } from '../vas/filling.js';
import { letGoOfHeld } from '../vas/hold.js';
import { connectVas, waitSocketOf } from '../vas/store.js';
import { beginUse } from '../vas/uses.js';

const recent = new RecentImage();
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
  /** Content of tmpfs mounts. */
  #trees: Promise<OpenedTmpfs[]> | undefined;
  #donor: Promise<Donor>;
  #hasDonor = false;
  #hasFailed = false;
  /** With `tcp=keep`. */
  #held: HeldFiles | undefined;
  #succession: Succession | undefined;
  #ranAt = 0;

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
    let use: ReturnType<typeof beginUse> | undefined;
    try {
      const image = findImage(request.imagePath);
      found = image;
      use = beginUse(image.record.id);
      if (!image.record.isComplete) await untilFilled(image.record.id, request.signal);
      const live = readLiveSpec(request.bundle);
      const ahead = openAhead(request, image, live);
      const begin = () => prepare(request, image, { live, ahead, scope, clock });
      const prepared = await expectCgroupMoves(begin);
      const restore = new PendingRestore(request, prepared, { scope, clock });
      const opened = ahead ?? recent.read(image, request.imagePath);
      checkSharing(opened.image, live, `restore ${request.containerId}`);
      restore.#opened = opened;
      restore.#trees = openTmpfs(opened.tmpfs);
      restore.#trees.catch(() => undefined); // It is awaited once the mounts are there.
      if (request.tcp === 'keep')
        restore.#held = await findHeldFiles(image.record.id, opened.image);
      if ((request.tcp ?? DEFAULT_TCP_MODE) !== 'close')
        judgeConnections(request, opened, { severed: new Set(), held: restore.#held });
      clock.end('open');
      return restore;
    } catch (error) {
      await scope.close();
      throw error;
    } finally {
      use?.close();
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
      return { pid, vasId, ranAt: this.#ranAt, timingsMs, exited };
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
    const { restorer } = this.#prepared;
    const opened = this.#opened;
    assertInvariant(opened !== undefined, 'a restore that has begun has read its image');
    const clock = this.#clock;
    clock.skip();
    // What the root filesystem lacked at first may have been added since (CRI does so).
    if (this.#hasFailed) this.#donor = this.#startDonor();
    const endMoves = beginMoves(); // What is done until then leaves the thread that has begun them no time.
    this.#scope.defer('end moves', endMoves);
    const ahead = this.#planAhead(opened, stdio);
    if (!this.#hasDonor) collectAhead(); // While runc works.
    const donor = await this.#donor;
    clock.end('donor');

    const parents = [restorer.pid, ...(await this.#forkOutside(opened))];
    const member = this.#request.predecessor?.initPid ?? donor.pid;
    const moves = parents.map((pid) => enterCgroups(member, pid));
    const settled = Promise.allSettled(moves);
    this.#scope.defer('wait for what is under way', async () => {
      await settled; // It names processes that are about to end.
    });
    const seccompChain = await readLiveSeccomp(donor.pid);
    this.#settleConnections(opened, donor.pid);
    giveStdio(stdio, donor.pid, opened.image.files);
    const facts = this.#readFacts(opened, { stdio, donorPid: donor.pid, seccompChain });
    this.#tellLost(opened, facts);
    const plan = ahead?.planFor(facts) ?? planRestore(opened, facts);
    clock.end('plan');

    const joined = withDescriptors(donor.pid, stdio, (descriptorOf) =>
      restorer.start(plan, descriptorOf),
    );
    const filled = this.#fillMounts(donor.pid, opened); // While PID 1 joins the namespaces.
    await forAll([joined, filled], (one) => one);
    clock.end('join');

    await Promise.all(moves);
    endMoves();
    const { removed } = await this.#adopt(donor, finish);
    clock.end('adopt');

    const threads = await restorer.build();
    clock.end('build');

    this.#takeConnections();
    await this.#release(threads, finish);
    this.#scope.release();
    clock.end('release');
    await (removed ?? removeDonor(donor));
    return { ...clock.timingsMs, forkCall: restorer.forkMs };
  }

  /**
   * Plans the restore while the runtime works, from what it is going to find. Even where that cannot be known, the plan of a small
   * image is made: code runs several times slower the first time.
   */
  #planAhead(opened: OpenedImage, stdio: FinishRequest['stdio']): PlanAhead | undefined {
    const { live, restorer, consoleSocket } = this.#prepared;
    const { image, kernelAreas } = opened;
    if (this.#hasDonor || !(canExpect(image, live) || isSmall(image))) return undefined;
    const ahead = PlanAhead.make(opened, () =>
      expectedFacts({
        ...{ live, stdio, image, kernelAreas, held: this.#held, predecessor: this.#kept() },
        hasConsole: consoleSocket !== undefined,
        restorerPid: restorer.pid,
        secret: this.#secret,
      }),
    );
    return canExpect(image, live) ? ahead : undefined;
  }

  #readFacts(
    { image, kernelAreas }: OpenedImage,
    found: Pick<LiveSources, 'stdio' | 'donorPid' | 'seccompChain'>,
  ): LiveFacts {
    const { live, restorer, consoleSocket } = this.#prepared;
    return readLiveFacts({
      ...{ ...found, live, image, kernelAreas, held: this.#held, predecessor: this.#kept() },
      hasConsole: consoleSocket !== undefined,
      restorerPid: restorer.pid,
      secret: this.#secret,
      hasIpc: image.ipcLimits !== undefined,
    });
  }

  /** What our names in the container are derived from. */
  get #secret(): string {
    return namesSecret(this.#prepared.vasId, this.#request.containerId);
  }

  /**
   * Makes PID 1 the container's init. Returns the removal of the donor's bundle; a predecessor's donor is another
   * container, which ends when nobody waits for it.
   */
  async #adopt(
    donor: Donor,
    { stdio, signal }: FinishRequest,
  ): Promise<{ readonly removed: Promise<void> | undefined }> {
    // The donor dies first: its threads have ids in the namespace that ours are about to take, and its death hangs up
    // the terminal that is about to be opened again.
    const { bundle, runcRoot, containerId, predecessor } = this.#request;
    const stateDirectory = join(runcRoot, containerId);
    const initPid = this.#prepared.restorer.pid;
    const from = { stateDirectory, bundle, donor, initPid, stdio: linksOf(stdio) };
    if (predecessor) {
      await donor.kill();
      const succession = new Succession(predecessor);
      this.#succession = succession;
      this.#scope.defer('end the standstill', () => {
        succession.end();
      });
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
  async #fillMounts(donorPid: HostPid, { record }: OpenedImage): Promise<void> {
    restoreTmpfs(donorPid, (await this.#trees) ?? []);
    const { containerId: id, clone } = this.#request;
    const { containerId: parent, id: checkpoint } = record;
    tellIdentity(donorPid, this.#prepared.live, { id, parent, checkpoint, index: clone?.index });
  }

  /** What the container will not have. */
  #tellLost(opened: OpenedImage, facts: LiveFacts): void {
    const ended = judgeConnections(this.#request, opened, facts);
    if (ended > 0) log.warn('TCP connections have ended', { count: ended });
    const streams = opened.image.files.filter(isExecStream).length;
    if (streams > 0) log.warn('streams of execs lead to /dev/null', { count: streams });
  }

  async #release(
    threads: Parameters<Restorer['release']>[0],
    finish: FinishRequest,
  ): Promise<void> {
    const { clone, beforeRun } = this.#request;
    await this.#prepared.restorer.release(threads, {
      signal: clone?.signal,
      ...(beforeRun && { beforeRun: () => beforeRun(finish.signal) }),
    });
    this.#ranAt = performance.now();
    this.#succession?.end();
  }

  /** What the keeper holds is of use only in the same network, and otherwise in the way of what is made anew. */
  #settleConnections({ image, record }: OpenedImage, donorPid: HostPid): void {
    if (this.#held) checkNetworkOf(this.#held, donorPid);
    else if (hasKeepable(image)) letGoOfHeld(record.id);
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
  /** The image, where the new container shares a pid namespace. */
  readonly ahead: OpenedImage | undefined;
  readonly scope: Scope;
  readonly clock: StageClock;
}

/**
 * Reads the image before anything is made, where the new container shares a pid namespace: others may have its ids.
 *
 * @throws ShimError `failedPrecondition` if it cannot share one
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
    // They are made beside these, which are killed only when nothing else can fail.
    const why =
      'a container that shares a pid namespace cannot be rolled back in place, since its present processes have the ids of those to be restored';
    throw new ShimError(
      'failedPrecondition',
      `${attempt}: ${why}; remedy: start it from the snapshot in a new pod`,
    );
  }
  const opened = readImage(found, imagePath);
  checkSharing(opened.image, live, attempt);
  return opened;
}

async function prepare(
  request: RestoreRequest,
  { reader, record }: FoundImage,
  { live, ahead, scope, clock }: Beginning,
): Promise<Prepared> {
  const consoleSocket = await openConsole(request, reader.readIfAny('tty-info'));
  const holder = connectVas(record.id);
  clock.end('find');

  const root = ahead ? rootOf(ahead.image) : INIT;
  const { predecessor, containerId, signal } = request;
  const place = predecessor ? successorSpec(live, predecessor) : live;
  const fork = () => Restorer.fork(holder, birthplaceOf(place, root));
  const path = sharedPidNamespace(live);
  const among = { path: path ?? '', attempt: `restore ${containerId}`, signal };
  const made = ahead && path !== undefined ? forkAmongOthers(ahead.image, among, fork) : fork();
  const restorer = await made.finally(() => {
    holder.close();
  });
  scope.defer('end the restorer', () => restorer.destroy());
  const exited = exitOf(waitSocketOf(record.id), restorer.pid);
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
