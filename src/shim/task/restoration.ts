// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { PendingRestore, Predecessor } from '../../criu/index.js';
import { ConsoleIo } from '../io/console-io.js';
import { ConsoleSocket } from '../io/console-socket.js';
import type { TaskIo } from '../io/task-io.js';
import type { Exit } from '../reaper.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';
import { runHook } from './clone-hook.js';
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
  /** Whether the streams stay open when it fails, for another start. */
  readonly keepsStreams?: boolean;
}

/**
 * Brings a container back from its checkpoint, in two steps: its surroundings are created while containerd is still
 * on its way to Start.
 */
export class Restoration {
  readonly #context: RestoreContext;
  readonly #init: TaskProcess;
  readonly #pending: PendingRestore;
  /** Where runc sends the terminal, if it is to have one. */
  readonly #socket: ConsoleSocket | undefined;
  /** Ends the runc that creates the surroundings. */
  readonly #ending: AbortController;
  #abandoned: Promise<void> | undefined;
  #left: TaskIo | undefined;

  private constructor(
    context: RestoreContext,
    init: TaskProcess,
    begun: {
      readonly pending: PendingRestore;
      readonly socket: ConsoleSocket | undefined;
      readonly ending: AbortController;
    },
  ) {
    this.#context = context;
    this.#init = init;
    this.#pending = begun.pending;
    this.#socket = begun.socket;
    this.#ending = begun.ending;
  }

  /** Reads the image, and begins. To be finished or abandoned. */
  static async begin(
    context: RestoreContext,
    init: TaskProcess,
    signal: AbortSignal,
  ): Promise<Restoration> {
    let socket: ConsoleSocket | undefined;
    const ending = new AbortController();
    const unlink = abortWith(ending, signal);
    try {
      const pending = await beginRestore(context, ending.signal, async (hadTerminal) => {
        // A terminal stays one, even if clients of containerd 1.6 forget to request it.
        if (init.stdio.terminal || hadTerminal) socket = await ConsoleSocket.listen();
        return socket?.path;
      });
      return new Restoration(context, init, { pending, socket, ending });
    } catch (error) {
      socket?.close();
      throw error;
    } finally {
      unlink();
    }
  }

  /** Runs it. Sets init's pid; once it runs, resolves with the promise of its exit. */
  async finish(signal: AbortSignal): Promise<{ readonly exited: Promise<Exit> }> {
    const { id, bundle } = this.#context;
    const unlink = abortWith(this.#ending, signal);
    let io: TaskIo | undefined;
    try {
      io = await this.#openStreams(signal);
      const restored = await this.#pending.finish({ stdio: io.stdio, signal });
      await io.launched();
      this.#init.pid = restored.pid;
      this.#init.connect(io);
      bundle.write(bundle.initPid, String(restored.pid));
      log.info('restored', { task: id, vas: restored.vasId, ...restored.timingsMs });
      return { exited: restored.exited };
    } catch (error) {
      if (this.#context.keepsStreams === true) this.#left = io;
      else io?.close();
      if (!io) await this.abandon();
      throw error;
    } finally {
      unlink();
    }
  }

  /** The streams that a failure has left open; they are the caller's now. */
  takeStreams(): TaskIo | undefined {
    const left = this.#left;
    this.#left = undefined;
    return left;
  }

  /**
   * Not before the start: a client deletes a task without a pid without killing it, but waits for the end of its
   * streams, if anybody has opened them.
   */
  #openStreams(signal: AbortSignal): Promise<TaskIo> {
    const { owner } = this.#context;
    const [{ stdio }, socket] = [this.#init, this.#socket];
    return socket
      ? ConsoleIo.open({ ...stdio, terminal: true }, owner, { signal, socket })
      : openIo(stdio, owner, signal);
  }

  /** Gives it up, and removes what was created for it. Repeated calls share one attempt, unless it fails. */
  abandon(): Promise<void> {
    this.#abandoned ??= this.#abandon().catch((error: unknown) => {
      this.#abandoned = undefined;
      throw error;
    });
    return this.#abandoned;
  }

  async #abandon(): Promise<void> {
    this.#socket?.close();
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
  context: RestoreContext,
  signal: AbortSignal,
  openConsole: (hadTerminal: boolean) => Promise<string | undefined>,
): Promise<PendingRestore> {
  const { id, bundle, runc, checkpoint, initFlags, engine, policy, predecessor } = context;
  const { hook } = policy;
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
    ...(hook ? { beforeRun: (late) => runHook(context, hook, late) } : {}),
    ...(policy.tcp ? { tcp: policy.tcp } : {}),
    ...(predecessor ? { predecessor } : {}),
  });
}
