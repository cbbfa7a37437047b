// SPDX-License-Identifier: Apache-2.0
import type { NsPid, NsTid } from '../../../common/ids.js';
import { SIGSTOP } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { SignalQueueEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import { signalOf } from './pending.js';

/** A thread and its process, in container pids. */
export interface QueueTarget {
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
}

/**
 * Plans the queues of signals. The receiver sends them itself, since only it may give any siginfo. SIGSTOP is left
 * to the tracer (`hasPendingStop`).
 */
export class QueuePlan {
  readonly #builder: PlanBuilder;

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  /** A thread's own signals, by the thread. */
  planPrivate(target: QueueTarget, queue: SignalQueueEntry | undefined, sequence: Sequence): void {
    for (const { siginfo } of waiting(queue)) {
      const args = [target.nsPid, target.nsTid, signalOf(siginfo), this.#builder.data(siginfo)];
      sequence.syscall(describe(siginfo), SYS.rt_tgsigqueueinfo, args);
    }
  }

  /** A process's signals, by its leader. */
  planShared(nsPid: NsPid, queue: SignalQueueEntry | undefined, sequence: Sequence): void {
    for (const { siginfo } of waiting(queue)) {
      const args = [nsPid, signalOf(siginfo), this.#builder.data(siginfo)];
      sequence.syscall(describe(siginfo), SYS.rt_sigqueueinfo, args);
    }
  }
}

function waiting(queue: SignalQueueEntry | undefined): SignalQueueEntry['signals'] {
  return (queue?.signals ?? []).filter(({ siginfo }) => signalOf(siginfo) !== SIGSTOP);
}

function describe(siginfo: Uint8Array): string {
  return `queue pending signal ${String(signalOf(siginfo))}`;
}
