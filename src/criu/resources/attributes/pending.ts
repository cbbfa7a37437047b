// SPDX-License-Identifier: Apache-2.0
import type { NsPid, NsTid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import { SIGKILL, SIGNALS, SIGSTOP, SIGTRAP } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { SignalQueueEntry } from '../../image/types.js';
import type { PlanBuilder, Sequence } from '../../plan/builder.js';
import { reader } from '../../../native/structures.js';

const SIGINFO_SIZE = 128;
/** More than RLIMIT_SIGPENDING lets anybody queue on a machine of 64 GiB by default. */
const MOST_SIGNALS = 262_144;

/** Queued signals as PTRACE_PEEKSIGINFO gave them: `siginfo_t` after `siginfo_t`. */
export function decodeQueue(bytes: Uint8Array): SignalQueueEntry {
  const signals = [];
  for (let at = 0; at + SIGINFO_SIZE <= bytes.length; at += SIGINFO_SIZE) {
    signals.push({ siginfo: bytes.slice(at, at + SIGINFO_SIZE) });
  }
  return { signals };
}

/** Why queued signals cannot be restored; undefined when they can. For a checkpoint as for an image. */
export function queueProblem(queue: SignalQueueEntry | undefined): string | undefined {
  const mask = queueMask(queue);
  if ((mask & bit(SIGKILL)) !== 0n) return 'it is being killed';
  // The engine itself stops threads by breakpoints, at which the kernel would take it for theirs.
  const hasTrap = (mask & bit(SIGTRAP)) !== 0n;
  return hasTrap
    ? 'a pending SIGTRAP is not supported; remedy: try again once it is handled'
    : undefined;
}

/** Throws `dataLoss` for a queue that no checkpoint would have taken. */
export function checkQueue(where: string, queue: SignalQueueEntry | undefined): void {
  const signals = queue?.signals ?? [];
  if (signals.length > MOST_SIGNALS) badImage(`${where}: too many pending signals`);
  for (const { siginfo } of signals) {
    const signal = siginfo.length === SIGINFO_SIZE ? signalOf(siginfo) : 0;
    if (signal < 1 || signal > SIGNALS) {
      badImage(`${where}: a pending signal ${String(signal)} of ${String(siginfo.length)} bytes`);
    }
  }
  const problem = queueProblem(queue);
  if (problem !== undefined) badImage(`${where}: ${problem}`);
}

/**
 * Whether SIGSTOP is among queued signals: it waits in a thread that is stopped already, frozen, or in the
 * kernel. No thread can hold it back while it runs, so a tracer sends it, at the very end.
 */
export function hasPendingStop(queue: SignalQueueEntry | undefined): boolean {
  return (queueMask(queue) & bit(SIGSTOP)) !== 0n;
}

/** Mask of the signals in a queue. */
export function queueMask(queue: SignalQueueEntry | undefined): bigint {
  const signals = queue?.signals ?? [];
  return signals.reduce((mask, { siginfo }) => mask | bit(signalOf(siginfo)), 0n);
}

/** A thread and its process, in container pids. */
export interface QueueTarget {
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
}

/**
 * Plans the queues of signals. They are sent by their receiver itself: only that may give any siginfo.
 * SIGSTOP is left to the tracer ({@link hasPendingStop}).
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

function signalOf(siginfo: Uint8Array): number {
  return reader(siginfo).readInt32LE(0);
}

function bit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}
