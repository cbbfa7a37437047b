// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { PR } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import { ShimError } from '../../../common/errors.js';
import type { ItimerEntry, PosixTimerEntry, TaskTimersEntry } from '../../image/types.js';
import { timersProblem } from './timer-limits.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { PlanData } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { words } from '../../../native/structures.js';

const SIGEVENT_SIZE = 64;
const RESTORE_IDS_OFF = 0;
const RESTORE_IDS_ON = 1;
/** Creates and arms a process's timers; by its leader, once all its threads exist. */
export class TimerPlan {
  readonly #builder: PlanBuilder;
  readonly #hasTimerIds: boolean;

  constructor(builder: PlanBuilder, kernelHasTimerIds: boolean) {
    this.#builder = builder;
    this.#hasTimerIds = kernelHasTimerIds;
  }

  plan(nsPid: NsPid, timers: TaskTimersEntry, sequence: Sequence): void {
    const problem = timersProblem(timers, this.#hasTimerIds);
    if (problem !== undefined) {
      throw new ShimError('failedPrecondition', `pid ${String(nsPid)}: ${problem}`);
    }
    const sorted = [...timers.posix].sort((a, b) => a.it_id - b.it_id);
    if (sorted.length > 0) this.#create(sorted, sequence);
    for (const timer of sorted) this.#arm(timer, sequence);
    [timers.real, timers.virt, timers.prof].forEach((timer, which) => {
      this.#setItimer(which, timer, sequence);
    });
  }

  #create(timers: readonly PosixTimerEntry[], sequence: Sequence): void {
    if (this.#hasTimerIds) restoreIds(RESTORE_IDS_ON, sequence);
    for (const timer of timers) {
      const clock = timer.clock_id | 0;
      const what = `make timer ${String(timer.it_id)} of clock ${String(clock)}`;
      const event = this.#event(timer);
      if (!this.#hasTimerIds) {
        sequence.timer(what, clock, event, timer.it_id);
        continue;
      }
      const id = this.#builder.data(Buffer.alloc(8));
      new DataView(id.bytes.buffer, id.bytes.byteOffset).setInt32(0, timer.it_id, true);
      sequence.syscall(what, SYS.timer_create, [clock, event, id]);
    }
    if (this.#hasTimerIds) restoreIds(RESTORE_IDS_OFF, sequence);
  }

  #event(timer: PosixTimerEntry): PlanData {
    const event = Buffer.alloc(SIGEVENT_SIZE);
    event.writeBigUInt64LE(timer.sival_ptr, 0);
    event.writeInt32LE(timer.si_signo | 0, 8);
    event.writeInt32LE(timer.it_sigev_notify, 12);
    event.writeInt32LE(timer.notify_thread_id ?? 0, 16);
    return this.#builder.data(event);
  }

  #arm(timer: PosixTimerEntry, sequence: Sequence): void {
    if (timer.vsec === 0n && timer.vnsec === 0n) return;
    const times = this.#builder.data(words(timer.isec, timer.insec, timer.vsec, timer.vnsec));
    const what = `arm timer ${String(timer.it_id)}`;
    sequence.syscall(what, SYS.timer_settime, [timer.it_id, 0, times, 0]);
  }

  #setItimer(which: number, timer: ItimerEntry, sequence: Sequence): void {
    if (timer.vsec === 0n && timer.vusec === 0n) return;
    const times = this.#builder.data(words(timer.isec, timer.iusec, timer.vsec, timer.vusec));
    sequence.syscall(`arm itimer ${String(which)}`, SYS.setitimer, [which, times, 0]);
  }
}

function restoreIds(state: number, sequence: Sequence): void {
  const what = 'choose the ids of timers';
  sequence.syscall(what, SYS.prctl, [PR.timerCreateRestoreIds, state, 0, 0, 0]);
}
