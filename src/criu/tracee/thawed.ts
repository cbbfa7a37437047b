// SPDX-License-Identifier: Apache-2.0
import { isFrozen, thaw, type Cgroup } from '../../common/cgroup.js';
import { logger } from '../../common/log.js';

const log = logger('session');

const LOOK_MS = 100;

/**
 * Keeps a cgroup thawed while a tracer holds everything in it. Somebody else may freeze it at any time: then no
 * thread would finish a remote call.
 */
export class Thawed {
  readonly #cgroup: Cgroup;
  readonly #beforeThaw: () => void;
  readonly #timer: NodeJS.Timeout;
  #wasFrozen = false;

  /** @param beforeThaw called each time before it is thawed */
  constructor(cgroup: Cgroup, beforeThaw: () => void) {
    this.#cgroup = cgroup;
    this.#beforeThaw = beforeThaw;
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_MS).unref();
  }

  /** Whether somebody has frozen it, so that it is to be frozen afterwards. */
  get wasFrozen(): boolean {
    return this.#wasFrozen;
  }

  /** From now on it stays as it is. A second call does nothing. */
  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { directory } = this.#cgroup;
    try {
      if (!isFrozen(this.#cgroup)) return;
      log.info('a container has been paused while it stood still', { directory });
      this.#wasFrozen = true;
      this.#guard();
      thaw(this.#cgroup);
    } catch (error) {
      log.debug('the container has gone', { directory, error: String(error) });
    }
  }

  /** A failure must not keep its threads from going home. */
  #guard(): void {
    try {
      this.#beforeThaw();
    } catch (error) {
      log.warn('a container is thawed without a guard', { error: String(error) });
    }
  }
}
