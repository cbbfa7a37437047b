// SPDX-License-Identifier: Apache-2.0
import { expectCgroupMoves } from '../../native/cgroup-moves.js';
import { logger } from '../../common/log.js';
import { createVas, removeVas, type NewVas } from './store.js';
import { limitVas } from './vas-cgroup.js';

const log = logger('vas');

/** How long one is kept that nobody takes. */
const KEEP_MS = 10_000;

/** An empty VAS, made before a checkpoint is asked for. It lives for some seconds, unless it is taken. */
export class SpareVas {
  #made: Promise<NewVas | undefined> | undefined;
  readonly #late: NodeJS.Timeout;

  private constructor() {
    this.#made = createVas().catch((error: unknown) => {
      log.debug('no VAS in advance', { error: String(error) }); // Whoever needs one is told.
      return undefined;
    });
    this.#late = setTimeout(() => void this.drop(), KEEP_MS).unref();
  }

  /** Begins to make one. */
  static begin(): SpareVas {
    return new SpareVas();
  }

  /** The VAS, which is the caller's from now on; undefined if there is none. */
  async take(): Promise<NewVas | undefined> {
    return await this.#pass();
  }

  /** Removes it, unless it has been taken. Never throws. */
  async drop(): Promise<void> {
    const vas = await this.#pass();
    if (!vas) return;
    vas.lifeline.cut();
    vas.holder.close();
    await removeVas(vas.id).catch((error: unknown) => {
      log.warn('an empty VAS stays', { vas: vas.id, error: String(error) });
    });
  }

  #pass(): Promise<NewVas | undefined> {
    const made = this.#made ?? Promise.resolve(undefined);
    this.#made = undefined;
    clearTimeout(this.#late);
    return made;
  }
}

/** A VAS for a checkpoint: the spare one if there is one. `memoryLimit` in bytes. */
export async function takeVas(
  spare: Pick<SpareVas, 'take'> | undefined,
  memoryLimit?: number,
): Promise<NewVas> {
  const vas = await spare?.take();
  if (!vas) return await expectCgroupMoves(() => createVas(memoryLimit));
  try {
    if (memoryLimit !== undefined) limitVas(vas.id, memoryLimit);
    return vas;
  } catch (error) {
    vas.lifeline.cut();
    vas.holder.close();
    await removeVas(vas.id);
    throw error;
  }
}
