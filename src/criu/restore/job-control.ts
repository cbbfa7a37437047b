// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid } from '../../common/ids.js';
import { PTRACE, SIGSTOP } from '../../native/abi/index.js';
import { syscall, type Tracer } from '../../native/index.js';
import { check, errnoError, SYS } from '../../native/sys.js';
import type { FinalThread } from '../plan/restore-plan.js';
import { words } from '../../native/structures.js';

const ALL_SIGNALS = 0xffff_ffff_ffff_ffffn;
const STOP_TIMEOUT_MS = 10_000;

/** A restored thread that stands at the end of its sequence. */
export interface BuiltThread {
  readonly hostPid: HostPid;
  readonly hostTid: HostTid;
  readonly final: FinalThread;
}

/** A restored process with its threads, the leader first. */
export interface BuiltProcess {
  readonly leader: BuiltThread;
  readonly threads: BuiltThread[];
}

/** Groups threads by their processes. Threads without a leader are left out. */
export function byProcess(threads: readonly BuiltThread[]): BuiltProcess[] {
  const isLeader = ({ hostPid, hostTid }: BuiltThread): boolean => hostPid === hostTid;
  const processes = new Map<HostPid, BuiltProcess>();
  for (const leader of threads.filter(isLeader)) {
    processes.set(leader.hostPid, { leader, threads: [leader] });
  }
  for (const thread of threads) {
    if (!isLeader(thread)) processes.get(thread.hostPid)?.threads.push(thread);
  }
  return [...processes.values()];
}

/**
 * Stops a process as job control does, while we trace it. It executes no instruction, since the
 * stop is taken on the way out of the kernel and all other signals are blocked. The signal's action
 * is the default one, and its process group is not orphaned (`checkStop` of validate-tasks.ts).
 */
export async function stopProcess(
  tracer: Tracer,
  { leader, threads }: BuiltProcess,
  signal: number,
): Promise<void> {
  const mask = words(ALL_SIGNALS & ~(1n << BigInt(signal - 1)));
  const what = `let a stop into pid ${String(leader.final.nsPid)}`;
  check(what, await tracer.request(PTRACE.setSigmask, leader.hostTid, mask.length, mask));
  process.kill(leader.hostPid, signal);
  for (const { hostTid, final } of threads) {
    await tracer.request(PTRACE.cont, hostTid, 0, 0);
    const [, status = -1] = await tracer.waitStops(Int32Array.of(hostTid), STOP_TIMEOUT_MS);
    if (status < 0) throw errnoError(`stop tid ${String(final.nsTid)}`, status);
  }
}

/** Sends the SIGSTOPs that a thread and its process have pending: they take effect once it is let go. */
export function sendPendingStops({ hostPid, hostTid, final }: BuiltThread): void {
  const { own, shared } = final.stopsPending;
  const what = `send SIGSTOP to tid ${String(final.nsTid)}`;
  if (own) check(what, syscall(SYS.tgkill, hostPid, hostTid, SIGSTOP));
  if (shared) process.kill(hostPid, SIGSTOP);
}
