// SPDX-License-Identifier: Apache-2.0
import { syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';

/** Policies of sched(7). */
const SCHED_OTHER = 0;
const SCHED_RR = 2;
const RESET_ON_FORK = 0x40000000;
/** The least of the priorities that come before all ordinary ones. */
const LEAST = 1;

/**
 * Has the calling thread, and the tracing process that it makes first, come before the ordinary work of a busy host
 * while a container stands still. Nothing changes where the kernel refuses that (without CAP_SYS_NICE, or where the cgroup has no
 * real-time budget), nor for a thread that has another policy.
 */
export class Haste {
  #isOn: boolean;

  /** What this thread makes before {@link begin} is in haste, too, for as long as it lives. */
  constructor() {
    const isPlain = syscall(SYS.sched_getscheduler, 0) === SCHED_OTHER;
    this.#isOn = isPlain && schedule(SCHED_RR, LEAST);
  }

  /** From here on, threads and processes that this thread makes are ordinary ones. */
  begin(): void {
    if (this.#isOn) schedule(SCHED_RR | RESET_ON_FORK, LEAST);
  }

  /** A further call does nothing. */
  end(): void {
    if (this.#isOn) schedule(SCHED_OTHER, 0);
    this.#isOn = false;
  }
}

function schedule(policy: number, priority: number): boolean {
  const parameters = Buffer.alloc(4);
  parameters.writeInt32LE(priority);
  return syscall(SYS.sched_setscheduler, 0, policy, parameters) >= 0;
}
