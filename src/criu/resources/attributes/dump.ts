// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid, NsPid, NsTid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { forAll } from '../../../common/for-all.js';
import type { Warning } from '../../../common/log.js';
import type { Tracer } from '../../../native/index.js';
import { decodeRegisters, MACHINE, registersProblem, rightsProblem } from '../../arch/index.js';
import type { CoreEntry, SeccompEntry, TaskCoreEntry, ThreadCoreEntry } from '../../image/types.js';
import { readIdMaps, readStat } from '../../procfs/reader.js';
import { labelOf } from '../../tracee/label.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { Refusals } from '../files/refusals.js';
import { UsableCpus } from './cpus.js';
import { Interned } from './interned.js';
import { withoutExpired } from './expired.js';
import { dumpProcess, zombieTask, type ProcessDump } from './process-dump.js';
import { rseqResume } from './rseq.js';
import { SeccompCollector } from './seccomp.js';
import { dumpThread } from './thread-dump.js';

/** What {@link dumpAttributes} found. */
export interface AttributeDump {
  /** Entries by container tid; those of leaders have `tc`. `ids` is set by the code that compares processes. */
  readonly cores: ReadonlyMap<NsTid, CoreEntry>;
  /** Ends of the heaps of processes, by container pid. */
  readonly brks: ReadonlyMap<NsPid, bigint>;
  /** Protection keys that processes have allocated, by container pid: bit N for key N. Those with key 0 alone are missing. */
  readonly keys: ReadonlyMap<NsPid, number>;
  /** Filters of all threads; undefined if there are none. */
  readonly seccomp: SeccompEntry | undefined;
  readonly warnings: readonly Warning[];
}

/** What a dump of attributes needs besides the processes. */
export interface AttributeContext {
  readonly tracer: Tracer;
  /** Container pids of processes that job control had stopped, with the signal that did it. */
  readonly jobStopped: ReadonlyMap<NsPid, number>;
  /** Registers by host tid, from {@link resumeRegisters}. */
  readonly resume: ReadonlyMap<HostTid, Uint8Array>;
  /** Container pids of processes with memory that has a protection key. */
  readonly keyed: ReadonlySet<NsPid>;
}

/** All or some threads of a process. */
type Threads = Pick<TracedProcess, 'threads'>;

/**
 * Checks that all threads belong to 64-bit programs, the only ones for which our remote calls mean what they say, and may
 * touch what we map.
 *
 * @throws ShimError `failedPrecondition` naming those that are not
 */
export function checkRegisters(processes: readonly Threads[]): void {
  const refusals = new Refusals();
  for (const { label, state } of processes.flatMap(({ threads }) => threads)) {
    const problem =
      registersProblem(decodeRegisters(state.registers)) ?? rightsProblem(state.xstate);
    if (problem !== undefined) refusals.add(label, problem);
  }
  refusals.throwIfAny();
}

/**
 * Threads that stopped inside a restartable sequence, by host tid, with the registers that they must go on with:
 * those of the sequence's abort handler. For the image, and for a container left running.
 *
 * *Precondition:* nothing has run in the threads since they stopped; call this before the first remote call.
 */
export function resumeRegisters(processes: readonly Threads[]): Map<HostTid, Uint8Array> {
  const resume = new Map<HostTid, Uint8Array>();
  for (const thread of processes.flatMap((process) => process.threads)) {
    const registers = rseqResume(thread);
    if (registers) resume.set(thread.tid, registers);
  }
  return resume;
}

/**
 * Dumps the attributes of all threads and processes of a stopped container.
 *
 * @throws ShimError `failedPrecondition` that lists everything that cannot be restored
 */
export async function dumpAttributes(
  processes: readonly TracedProcess[],
  context: AttributeContext,
): Promise<AttributeDump> {
  const [init] = processes;
  if (!init) throw new ShimError('internal', 'a container without processes');
  const maps = readIdMaps(init.pid); // The same for all, since they are in one user namespace.
  const cpus = new UsableCpus();
  const dumps = await forAll(processes, async (process) => {
    const told = { ...context, maps, cpus: cpus.of(process.proc.cgroupText()) };
    const stopSignal = context.jobStopped.get(process.nsPid);
    const [leader, own] = await Promise.all([
      dumpThread(process.leader, told),
      dumpProcess(process, { ...context, stopSignal, isKeyed: context.keyed.has(process.nsPid) }),
    ]);
    const threads = [leader];
    // One after the other, since they share their scratch memory.
    for (const thread of process.threads.slice(1)) threads.push(await dumpThread(thread, told));
    return { process, threads, own };
  });
  const refusals = new Refusals();
  const seccomp = new SeccompCollector();
  const cores = new Map<NsTid, CoreEntry>();
  const brks = new Map<NsPid, bigint>();
  const keys = new Map<NsPid, number>();
  const equal = { threads: new Interned<ThreadCoreEntry>(), tasks: new Interned<TaskCoreEntry>() };
  for (const { process, threads, own } of dumps) {
    for (const { thread, core, chain, problems } of threads) {
      for (const problem of problems) refusals.add(thread.label, problem);
      finishThread(core, own, seccomp.add(chain));
      if (core.thread_core) core.thread_core = equal.threads.of(core.thread_core);
      cores.set(thread.nsTid, core);
    }
    for (const problem of own.problems) refusals.add(process.label, problem);
    const leader = cores.get(process.leader.nsTid);
    if (leader) leader.tc = equal.tasks.of(own.task);
    brks.set(process.nsPid, own.brk);
    if (own.keys !== undefined) keys.set(process.nsPid, own.keys);
  }
  refusals.throwIfAny();
  const warnings = dumps.flatMap(({ threads }) => threads.flatMap((one) => one.warnings));
  return { cores, brks, keys, seccomp: seccomp.entry, warnings };
}

/** Completes a thread's entry with what is known only once all threads have been read. */
function finishThread(core: CoreEntry, { expired }: ProcessDump, filter: number | undefined): void {
  const thread = core.thread_core;
  if (!thread) return;
  if (filter !== undefined) thread.seccomp_filter = filter;
  if (thread.signals_p) thread.signals_p = withoutExpired(thread.signals_p, expired);
}

/** The entry of a process that has exited and has not been reaped. */
export function dumpZombie(pid: HostPid): CoreEntry {
  const stat = readStat(pid);
  if (stat.state !== 'Z') throw new ShimError('internal', `${labelOf(pid)} is not a zombie`);
  return { mtype: MACHINE, tc: zombieTask(stat) };
}
