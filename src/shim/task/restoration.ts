// SPDX-License-Identifier: Apache-2.0
import { assertInvariant, ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { PendingRestore, Predecessor } from '../../criu/index.js';
import type { TaskIo } from '../io/task-io.js';
import type { Exit } from '../reaper.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';
import { openIo, type InitFlags, type LaunchContext } from './launch.js';
import type { Engine } from './ports.js';
import type { TaskProcess } from './process.js';

const log = logger('task');
/** How long runc may go on for a restore that is given up. */
const RUNC_MS = 3_000;

/** What a restore of a container's init needs. */
export interface RestoreContext extends LaunchContext {
  readonly initFlags: InitFlags;
  /** Image directory. */
  readonly checkpoint: string;
  readonly engine: Engine;
  readonly policy: CheckpointPolicy;
  /** The container's own processes, whose place it takes; absent at an ordinary start. */
  readonly predecessor?: Predecessor;
}

/**
 * Brings a container back from its checkpoint, in two steps: its surroundings are created while containerd is still
 * on its way to Start.
 */
export class Restoration {
  readonly #context: RestoreContext;
  readonly #init: TaskProcess;
  readonly #pending: PendingRestore;
  readonly #io: TaskIo;
  /** Ends the runc that creates the surroundings. */
  readonly #ending: AbortController;

  private constructor(
    context: RestoreContext,
    init: TaskProcess,
    begun: {
      readonly pending: PendingRestore;
      readonly io: TaskIo;
      readonly ending: AbortController;
    },
  ) {
    this.#context = context;
    this.#init = init;
    this.#pending = begun.pending;
    this.#io = begun.io;
    this.#ending = begun.ending;
  }

  /** Reads the image, opens the streams, and begins. To be finished or abandoned. */
  static async begin(
    context: RestoreContext,
    init: TaskProcess,
    signal: AbortSignal,
  ): Promise<Restoration> {
    let io: TaskIo | undefined;
    const ending = new AbortController();
    const unlink = abortWith(ending, signal);
    try {
      const pending = await beginRestore(context, ending.signal, async (hadTerminal) => {
        // A terminal stays one, even if clients of containerd 1.6 forget to request it.
        const terminal = init.stdio.terminal || hadTerminal;
        io = await openIo({ ...init.stdio, terminal }, context.owner, signal);
        return io.consoleSocket;
      });
      assertInvariant(io !== undefined, 'the engine asks for the streams before it begins');
      return new Restoration(context, init, { pending, io, ending });
    } catch (error) {
      io?.close();
      throw error;
    } finally {
      unlink();
    }
  }

  /** Runs it. Sets init's pid; once it runs, resolves with the promise of its exit. */
  async finish(signal: AbortSignal): Promise<{ readonly exited: Promise<Exit> }> {
    const { id, bundle } = this.#context;
    const unlink = abortWith(this.#ending, signal);
    try {
      const restored = await this.#pending.finish({ stdio: this.#io.stdio, signal });
      await this.#io.launched();
      this.#init.pid = restored.pid;
      this.#init.connect(this.#io);
      bundle.write(bundle.initPid, String(restored.pid));
      log.info('restored', { task: id, vas: restored.vasId, ...restored.timingsMs });
      return { exited: restored.exited };
    } catch (error) {
      this.#io.close();
      throw error;
    } finally {
      unlink();
    }
  }

  /** Gives it up, and removes what was created for it. */
  async abandon(): Promise<void> {
    this.#io.close();
    const reason = new ShimError('aborted', `the restore of ${this.#context.id} was given up`);
    const unlink = abortWith(this.#ending, AbortSignal.abort(reason));
    await this.#pending.abandon().finally(unlink);
  }
}

/**
 * Aborts something after another signal and a delay; the result cancels that. A runc that does not hang has ended
 * by then and has removed what it created; one that is killed may leave cgroups.
 */
export function abortWith(controller: AbortController, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    timer = setTimeout(() => {
      controller.abort(signal.reason);
    }, RUNC_MS);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  };
}

/** Has the engine begin a restore into the container's surroundings. To be finished or abandoned. */
export function beginRestore(
  { id, bundle, runc, checkpoint, initFlags, engine, policy, predecessor }: RestoreContext,
  signal: AbortSignal,
  openConsole: (hadTerminal: boolean) => Promise<string | undefined>,
): Promise<PendingRestore> {
  return engine.beginRestore({
    containerId: id,
    bundle: bundle.path,
    imagePath: checkpoint,
    runc: {
      create: ({ signal: late, ...donor }) => {
        const ending = AbortSignal.any([signal, late]);
        return runc.create({ ...donor, ...initFlags }, [null, null, null], ending);
      },
      delete: (donorId) => runc.delete(donorId),
    },
    runcRoot: runc.settings.root,
    openConsole,
    signal,
    clone: policy.clone,
    ...(policy.tcp ? { tcp: policy.tcp } : {}),
    ...(predecessor ? { predecessor } : {}),
  });
}
