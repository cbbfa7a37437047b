// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import { SIGSTOP, SYS } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { TASK_STATE } from '../image/constants.js';
import type { PstreeEntry } from '../image/types.js';
import type { Valid } from '../image/validate.js';
import type { PlanBuilder } from './builder.js';
import type { PlanData } from './values.js';
import { queueMask } from '../resources/attributes/pending.js';
import type { RemoteCall } from '../tracee/tracee.js';

const P_PID = 1;
/** WNOHANG | WUNTRACED | __WALL of wait.h: the children have already stopped. */
const STOPPED_NOW = 0x1 | 0x2 | 0x40000000;
const SIGCHLD_MASK = 1n << 16n;

/** A remote call at the end of a restore. */
export interface LateCall extends RemoteCall {
  readonly mayFail?: boolean;
}

/** What an image says about stops. */
type StopImage = Pick<CheckpointImage, 'pstree' | 'cores'>;

/**
 * Plans the stops of processes that job control had stopped. They are stopped again before their
 * parents' {@link calls} are made.
 */
export class StopPlan {
  readonly #image: Valid<StopImage>;
  readonly #child: PlanData;
  readonly #noTime: PlanData;
  readonly #depths = new Map<NsPid, number>();
  readonly #stopped = new Map<NsPid, PstreeEntry[]>();

  constructor(builder: PlanBuilder, image: Valid<StopImage>) {
    this.#image = image;
    this.#child = builder.data(new Uint8Array(BigUint64Array.of(SIGCHLD_MASK).buffer));
    this.#noTime = builder.reserve(16);
    for (const process of image.pstree) {
      const { pid, ppid } = process;
      this.#depths.set(pid, (this.#depths.get(ppid) ?? -1) + 1); // Parents come first.
      if (this.stopSignal(pid) === undefined) continue;
      this.#stopped.set(ppid, [...(this.#stopped.get(ppid) ?? []), process]);
    }
  }

  /** How many ancestors a process has. */
  depth(nsPid: NsPid): number {
    return this.#depths.get(nsPid) ?? 0;
  }

  /**
   * The signal that is to stop a process; undefined for a process that runs. Which signal it is
   * matters only to a parent that has not been told of the stop yet.
   */
  stopSignal(nsPid: NsPid): number | undefined {
    const task = this.#image.cores.get(nsPid)?.tc;
    if (task?.task_state !== TASK_STATE.stopped) return undefined;
    return task.exit_code === 0 ? SIGSTOP : task.exit_code;
  }

  /**
   * A parent is told once of each stop of a child (waitpid(2)). It must not be told again of a stop
   * that it knew of, and no SIGCHLD of the restore may remain.
   *
   * @param address where the plan is mapped
   */
  calls(nsPid: NsPid, address: bigint): LateCall[] {
    const { cores } = this.#image;
    const stopped = this.#stopped.get(nsPid);
    if (!stopped) return [];
    const calls: LateCall[] = stopped
      .filter(({ pid }) => cores.get(pid)?.tc?.exit_code === 0)
      .map(({ pid }) => ({ nr: SYS.waitid, args: [P_PID, pid, 0, STOPPED_NOW, 0] }));
    // A standard signal is pending only once; this one then belongs to the checkpoint.
    if ((queueMask(cores.get(nsPid)?.tc?.signals_s) & SIGCHLD_MASK) !== 0n) return calls;
    const [set, time] = [this.#child, this.#noTime].map((data) => address + BigInt(data.offset));
    const args = [set ?? 0n, 0, time ?? 0n, 8];
    return [...calls, { nr: SYS.rt_sigtimedwait, args, mayFail: true }];
  }
}
