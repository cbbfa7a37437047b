// SPDX-License-Identifier: Apache-2.0
import { isFrozen, type Cgroup } from '../../common/cgroup.js';
import type { HostPid } from '../../common/ids.js';
import { DEFAULT_EXEC_MODE, type ExecMode } from '../constants.js';
import { Momentary, retrying, type Patience } from '../retry.js';
import { Session } from '../tracee/session.js';

/** Which container is stopped. */
export interface StopRequest {
  readonly initPid: HostPid;
  readonly cgroup: Cgroup;
  readonly exec?: ExecMode;
  readonly execs?: () => ReadonlyMap<HostPid, string>;
  /** How long a stop is retried while something momentary is in the way. */
  readonly patience: Patience;
}

/** The momentary stops, and how long they took. */
export class Stops {
  readonly #request: StopRequest;
  ms = 0;

  constructor(request: StopRequest) {
    this.#request = request;
  }

  /** Does some work while the container stands still. */
  async during(work: (session: Session) => Promise<void>): Promise<void> {
    await retrying(this.#request.patience, () => this.#once(work));
  }

  async #once(work: (session: Session) => Promise<void>): Promise<void> {
    const { initPid, cgroup, exec = DEFAULT_EXEC_MODE, execs, patience } = this.#request;
    if (isFrozen(cgroup)) throw new Momentary('aborted', 'the container is paused');
    let began = performance.now();
    const beforeStop = () => {
      began = performance.now();
    };
    const session = await Session.hold(initPid, cgroup, { exec, execs, patience, beforeStop });
    try {
      await work(session);
    } finally {
      await session.letGo();
      this.ms += Math.round((performance.now() - began) * 1000) / 1000;
      await session.close();
    }
  }
}
