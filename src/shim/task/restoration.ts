// SPDX-License-Identifier: Apache-2.0
import { logger } from '../../common/log.js';
import type { PendingRestore } from '../../criu/index.js';
import type { TaskIo } from '../io/task-io.js';
import type { Exit } from '../reaper.js';
import { openIo, type InitFlags, type LaunchContext } from './launch.js';
import type { Engine } from './ports.js';
import type { TaskProcess } from './process.js';

const log = logger('task');

/** What a restore of a container's init needs. */
export interface RestoreContext extends LaunchContext {
  readonly initFlags: InitFlags;
  /** Image directory. */
  readonly checkpoint: string;
  readonly engine: Engine;
}

/**
 * A container's way back from its checkpoint, in two steps: while containerd is about to start it, its
 * surroundings are being made.
 */
export class Restoration {
  readonly #context: RestoreContext;
  readonly #pending: PendingRestore;

  private constructor(context: RestoreContext, pending: PendingRestore) {
    this.#context = context;
    this.#pending = pending;
  }

  /** Reads the image and begins. To be finished or abandoned. */
  static async begin(context: RestoreContext): Promise<Restoration> {
    const { id, bundle, runc, checkpoint, initFlags, engine } = context;
    const pending = await engine.beginRestore({
      containerId: id,
      bundle: bundle.path,
      imagePath: checkpoint,
      runc: {
        create: (donor) => runc.create({ ...donor, ...initFlags }, [null, null, null]),
        delete: (donorId) => runc.delete(donorId),
      },
      runcRoot: runc.settings.root,
    });
    return new Restoration(context, pending);
  }

  /** Runs it. Sets init's pid; resolves, once it runs, with its exit to be. */
  async finish(
    init: TaskProcess,
    signal: AbortSignal,
  ): Promise<{ readonly exited: Promise<Exit> }> {
    const { id, bundle } = this.#context;
    const io = await this.#openIo(init);
    try {
      const restored = await this.#pending.finish({ stdio: io.stdio, signal });
      await io.launched();
      init.pid = restored.pid;
      init.io = io;
      bundle.write(bundle.initPid, String(restored.pid));
      log.info('restored', { task: id, vas: restored.vasId, ...restored.timingsMs });
      return { exited: restored.exited };
    } catch (error) {
      io.close();
      throw error;
    }
  }

  /** Gives it up, and removes what was made for it. */
  async abandon(): Promise<void> {
    await this.#pending.abandon();
  }

  async #openIo(init: TaskProcess): Promise<TaskIo> {
    try {
      return await openIo(init.stdio, this.#context.owner);
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }
}
