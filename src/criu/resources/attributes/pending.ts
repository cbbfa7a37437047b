// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SIGKILL, SIGNALS, SIGSTOP, SIGTRAP } from '../../../native/abi/index.js';
import type { SignalQueueEntry } from '../../image/types.js';
import { reader } from '../../../native/structures.js';

const SIGINFO_SIZE = 128;
/** More than RLIMIT_SIGPENDING permits by default on a machine with 64 GiB. */
const MOST_SIGNALS = 262_144;

/** Queued signals as PTRACE_PEEKSIGINFO gave them: `siginfo_t` after `siginfo_t`. */
export function decodeQueue(bytes: Uint8Array): SignalQueueEntry {
  const signals = [];
  for (let at = 0; at + SIGINFO_SIZE <= bytes.length; at += SIGINFO_SIZE) {
    signals.push({ siginfo: bytes.slice(at, at + SIGINFO_SIZE) });
  }
  return { signals };
}

/** Why queued signals cannot be restored; undefined if they can. For a checkpoint as well as an image. */
export function queueProblem(queue: SignalQueueEntry | undefined): string | undefined {
  const mask = queueMask(queue);
  if ((mask & bit(SIGKILL)) !== 0n) return 'it is being killed';
  // The engine itself stops threads by breakpoints; the kernel would take this signal for one of those.
  const hasTrap = (mask & bit(SIGTRAP)) !== 0n;
  return hasTrap
    ? 'a pending SIGTRAP is not supported; remedy: try again once it is handled'
    : undefined;
}

/** Throws `dataLoss` for a queue that no checkpoint would have accepted. */
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
 * Whether SIGSTOP is among queued signals: it waits in a thread that is already stopped, frozen, or inside the
 * kernel. A running thread cannot hold it back, so a tracer sends it at the very end.
 */
export function hasPendingStop(queue: SignalQueueEntry | undefined): boolean {
  return (queueMask(queue) & bit(SIGSTOP)) !== 0n;
}

/** Mask of the signals in a queue. */
export function queueMask(queue: SignalQueueEntry | undefined): bigint {
  const signals = queue?.signals ?? [];
  return signals.reduce((mask, { siginfo }) => mask | bit(signalOf(siginfo)), 0n);
}

/** The signal of a `siginfo_t`. */
export function signalOf(siginfo: Uint8Array): number {
  return reader(siginfo).readInt32LE(0);
}

function bit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}
