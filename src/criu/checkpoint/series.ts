// SPDX-License-Identifier: Apache-2.0
import { logger } from '../../common/log.js';
import type { Continued } from '../memory/live/continued.js';
import { readRecord } from '../vas/store.js';

const log = logger('checkpoint');

/** For so long writes are tracked without a next checkpoint: each page costs the container a fault when it is written to. */
const TRACK_MS = 60_000;

/**
 * For each area a VAS has a record of each VAS that it descends from (mm/rmap.c), so a fork takes longer with each generation: with 200
 * areas 0.35 ms at first, 4 ms after 40, 24 ms after 79 that all still exist.
 */
const MOST_GENERATIONS = 32;

/**
 * The checkpoints of one running container, each of which starts as a fork of the last one's VAS, with only those pages copied
 * that have been written to since. Every one is complete, and depends on no other.
 */
export class Series {
  readonly #containerId: string;
  #last: Continued | undefined;
  #late: NodeJS.Timeout | undefined;
  #turn = 0;

  constructor(containerId: string) {
    this.#containerId = containerId;
  }

  /** What the next checkpoint starts from, which becomes the caller's; undefined if that has to be a whole one. */
  take(): Continued | undefined {
    const last = this.#pass();
    if (!last) return undefined;
    const why = whyNot(last);
    if (why === undefined) return last;
    last.close();
    this.#tell(why);
    return undefined;
  }

  /** Changes when something has been taken, or has ended. */
  get turn(): number {
    return this.#turn;
  }

  /**
   * Takes over what a checkpoint has left for the next one. What comes too late is closed.
   *
   * @param turn as it was when the checkpoint began
   */
  keep(continued: Continued | undefined, turn: number): void {
    if (turn !== this.#turn) {
      continued?.close();
      return;
    }
    this.end('another checkpoint has been taken');
    this.#last = continued;
    if (!continued) return;
    const late = () => {
      this.end('no other checkpoint has followed');
    };
    this.#late = setTimeout(late, TRACK_MS).unref();
  }

  /** Ends the tracking of writes. Does nothing if there is none. */
  end(why: string): void {
    const last = this.#pass();
    if (!last) return;
    last.close();
    this.#tell(why);
  }

  #pass(): Continued | undefined {
    this.#turn += 1;
    const last = this.#last;
    this.#last = undefined;
    clearTimeout(this.#late);
    return last;
  }

  #tell(why: string): void {
    log.info('the next checkpoint is a whole one', { container: this.#containerId, why });
  }
}

function whyNot({ vasId, depth }: Continued): string | undefined {
  if (depth >= MOST_GENERATIONS) return `VAS ${vasId} descends from ${String(depth)} others`;
  try {
    const { isComplete, broken } = readRecord(vasId);
    return isComplete && broken === undefined ? undefined : `VAS ${vasId} is not complete`;
  } catch {
    return `VAS ${vasId} has been removed`;
  }
}
