// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { SignalQueueEntry } from '../../image/types.js';
import type { PlanBuilder, Sequence } from '../../plan/builder.js';
import { reader, SIGKILL, SIGNALS, SIGSTOP, SIGTRAP } from './abi.js';

const SIGINFO_SIZE = 128;
/** More than RLIMIT_SIGPENDING lets anybody queue on a machine of 64 GiB by default. */
const MOST_SIGNALS = 1 << 18;

/** Queued signals as PTRACE_PEEKSIGINFO gave them: `siginfo_t` after `siginfo_t`. */
export function decodeQueue(bytes: Uint8Array): SignalQueueEntry {
  const signals = [];
  for (let at = 0; at + SIGINFO_SIZE <= bytes.length; at += SIGINFO_SIZE) {
    signals.push({ siginfo: bytes.slice(at, at + SIGINFO_SIZE) });
  }
  return { signals };
}

/** Why queued signals cannot be restored; undefined when they can. */
export function queueProblem(queue: SignalQueueEntry): string | undefined {
  // The engine itself stops threads by breakpoints, at which the kernel would take it for theirs.
  const hasTrap = queue.signals.some(({ siginfo }) => signalOf(siginfo) === SIGTRAP);
  return hasTrap ? 'a pending SIGTRAP is not supported; try again once it is handled' : undefined;
}

/** Throws `dataLoss` for a queue that no kernel would have made. */
export function checkQueue(where: string, queue: SignalQueueEntry | undefined): void {
  const signals = queue?.signals ?? [];
  if (signals.length > MOST_SIGNALS)
    badImage(`${where}: ${String(signals.length)} pending signals`);
  for (const { siginfo } of signals) {
    const signal = siginfo.length === SIGINFO_SIZE ? signalOf(siginfo) : 0;
    const isPossible = signal >= 1 && signal <= SIGNALS && signal !== SIGKILL && signal !== SIGSTOP;
    if (!isPossible || signal === SIGTRAP) {
      badImage(`${where}: a pending signal ${String(signal)} of ${String(siginfo.length)} bytes`);
    }
  }
}

/** Mask of the signals in a queue. */
export function queueMask(queue: SignalQueueEntry | undefined): bigint {
  const signals = queue?.signals ?? [];
  return signals.reduce((mask, { siginfo }) => mask | (1n << BigInt(signalOf(siginfo) - 1)), 0n);
}

/** A thread and its process, in container pids. */
export interface QueueTarget {
  readonly nsPid: number;
  readonly nsTid: number;
}

/** Queues plans for signals. They are sent by their receiver itself: only that may give any siginfo. */
export class QueuePlan {
  readonly #builder: PlanBuilder;

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  /** A thread's own signals, by the thread. */
  planPrivate(target: QueueTarget, queue: SignalQueueEntry | undefined, sequence: Sequence): void {
    for (const { siginfo } of queue?.signals ?? []) {
      const args = [target.nsPid, target.nsTid, signalOf(siginfo), this.#builder.data(siginfo)];
      sequence.syscall(describe(siginfo), SYS.rt_tgsigqueueinfo, args);
    }
  }

  /** A process's signals, by its leader. */
  planShared(nsPid: number, queue: SignalQueueEntry | undefined, sequence: Sequence): void {
    for (const { siginfo } of queue?.signals ?? []) {
      const args = [nsPid, signalOf(siginfo), this.#builder.data(siginfo)];
      sequence.syscall(describe(siginfo), SYS.rt_sigqueueinfo, args);
    }
  }
}

function describe(siginfo: Uint8Array): string {
  return `queue pending signal ${String(signalOf(siginfo))}`;
}

function signalOf(siginfo: Uint8Array): number {
  return reader(siginfo).readInt32LE(0);
}
