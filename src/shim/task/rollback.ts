// SPDX-License-Identifier: Apache-2.0
import { assertNotAborted, ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { Scope } from '../../common/scope.js';
import type { PendingRestore, Predecessor } from '../../criu/index.js';
import { donorOfRollback, type Spec } from '../bundle.js';
import { within, type SameStreams } from '../io/task-io.js';
import { NewRoot, type RootFiles } from '../mount/new-root.js';
import type { Exit } from '../reaper.js';
import type { Surroundings } from './ports.js';
import type { TaskProcess } from './process.js';
import { abortWith, beginRestore, type RestoreContext } from './restoration.js';
import { assertSameCommand, userOf } from './warm-start.js';

const log = logger('task');

/** How long killed processes may take to go: the kernel frees some GiB of memory in a second. */
const END_MS = 30_000;
const SIGKILL = 9;

/** What a container is put back to. */
export interface RollbackTarget {
  /** A snapshot, by id or name. */
  readonly snapshot: string;
  /** The root filesystem as of the snapshot; undefined: it stays as it is. */
  readonly files: RootFiles | undefined;
}

/** What came of a rollback. */
export interface RolledBack {
  /** Of the new init. */
  readonly pid: HostPid;
  /** Milliseconds for which nothing of the container ran. */
  readonly standstillMs: number;
}

/** What a rollback needs of its container. */
export interface RollbackContext extends Omit<RestoreContext, 'checkpoint'> {
  readonly spec: Spec;
  readonly surroundings: Surroundings;
  readonly init: TaskProcess;
}

/** What a rollback has made beside the container. */
interface Parts {
  readonly imagePath: string;
  readonly root: NewRoot | undefined;
  readonly streams: SameStreams;
}

/**
 * Replaces a running container's processes by those of a snapshot. They are made ready beside the present ones, which
 * are killed when only that is left to do: until then a failure leaves the container as it was, and from then on it
 * ends with one.
 */
export class Rollback {
  readonly #context: RollbackContext;
  readonly #target: RollbackTarget;
  readonly #abort = new AbortController();
  /** Set when the present processes are killed. */
  #killedAt: number | undefined;
  #ended: Exit | undefined;
  #onEnd: () => void = () => undefined;
  #onSettled: () => void = () => undefined;
  readonly #settled = new Promise<void>((resolve) => (this.#onSettled = resolve));

  constructor(context: RollbackContext, target: RollbackTarget) {
    this.#context = context;
    this.#target = target;
  }

  /** How the init ended that it has killed. */
  get ended(): Exit | undefined {
    return this.#ended;
  }

  /** While there is no init: resolves when there is one again, or never will be. */
  get replaced(): Promise<void> | undefined {
    return this.#killedAt === undefined ? undefined : this.#settled;
  }

  /** Gives it up, unless it is too late for that. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Whether an exit of init is its doing, and nobody else needs to hear of it. */
  expects(exit: Exit): boolean {
    if (this.#killedAt === undefined) return false;
    this.#ended ??= exit;
    this.#onEnd();
    return true;
  }

  /** To be called when it has ended, one way or the other. */
  settle(): void {
    this.#onSettled();
  }

  /** Does it; sets init's pid. Resolves with the promise of its exit, too. */
  async run(client: AbortSignal): Promise<RolledBack & { readonly exited: Promise<Exit> }> {
    const { id, surroundings, spec, engine } = this.#context;
    const { snapshot, files } = this.#target;
    const signal = AbortSignal.any([client, this.#abort.signal]);
    const { record, imagePath } = await engine.findSnapshot(
      snapshot,
      userOf(spec, surroundings.namespace),
    );
    assertSameCommand(snapshot, record.args, spec.process?.args ?? []);
    const scope = new Scope();
    const ending = new AbortController();
    const unlink = abortWith(ending, signal);
    try {
      const root =
        files && (await NewRoot.prepare(this.#context.bundle, files, (at) => engine.copyTree(at)));
      if (root) scope.defer('drop the new root filesystem', () => root.drop());
      const streams = await this.#openStreams();
      scope.defer('close its streams', () => {
        streams.close();
      });
      assertNotAborted(signal, `roll back ${id}`);
      const from = { imagePath, root, streams };
      const pending = await this.#begin(from, ending.signal);
      const restored = await this.#replace(pending, from, signal);
      scope.release();
      await this.#cleanUp(root);
      return restored;
    } catch (error) {
      await scope.close();
      // What else fails when the container ends is not the reason.
      throw this.#abort.signal.aborted ? ShimError.from(this.#abort.signal.reason) : error;
    } finally {
      unlink();
    }
  }

  async #openStreams(): Promise<SameStreams> {
    const { id, init } = this.#context;
    if (init.io) return await init.io.again();
    throw new ShimError('failedPrecondition', `roll back ${id}: it has no streams`);
  }

  /** `ending` ends the runc that makes the surroundings. */
  #begin(from: Parts, ending: AbortSignal): Promise<PendingRestore> {
    const { id, bundle, init } = this.#context;
    const predecessor: Predecessor = {
      initPid: init.pid,
      donorId: donorOfRollback(id),
      rootfs: from.root?.path ?? bundle.rootfs,
      end: () => this.#kill(),
    };
    const context = { ...this.#context, checkpoint: from.imagePath, predecessor };
    return beginRestore(context, ending, () => Promise.resolve(from.streams.consoleSocket));
  }

  async #replace(
    pending: PendingRestore,
    { root, streams }: Parts,
    signal: AbortSignal,
  ): Promise<RolledBack & { readonly exited: Promise<Exit> }> {
    const { id, bundle, init } = this.#context;
    const restored = await pending.finish({ stdio: streams.stdio, signal });
    const { pid, exited, vasId, ranAt, timingsMs } = restored;
    const standstillMs = ranAt - (this.#killedAt ?? 0);
    init.pid = pid;
    try {
      bundle.write(bundle.initPid, String(pid));
      await streams.taken();
      root?.adopt();
    } catch (error) {
      init.kill(SIGKILL);
      this.#ended = await exited;
      throw error;
    }
    this.#ended = undefined;
    this.#killedAt = undefined;
    this.settle();
    log.info('rolled back', { task: id, vas: vasId, standstillMs, ...timingsMs });
    return { pid, standstillMs, exited };
  }

  async #cleanUp(root: NewRoot | undefined): Promise<void> {
    try {
      await root?.removeOld();
    } catch (error) {
      const { id } = this.#context;
      log.warn('files from before a rollback are left', { task: id, error: String(error) });
    }
  }

  /** Kills the present processes. Resolves when they have gone. */
  async #kill(): Promise<void> {
    const { id, init } = this.#context;
    const gone = new Promise<void>((resolve) => (this.#onEnd = resolve));
    init.kill(SIGKILL);
    this.#killedAt = performance.now();
    await within(END_MS, [{ done: gone }]);
    if (this.#ended) return;
    throw new ShimError('deadlineExceeded', `roll back ${id}: its processes do not end`);
  }
}
