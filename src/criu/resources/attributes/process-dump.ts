// SPDX-License-Identifier: Apache-2.0
import { MEMBARRIER, PR } from '../../../native/abi/index.js';
import type { Tracer } from '../../../native/index.js';
import { hasTimerIds } from '../../../native/kernel-facts.js';
import { check, SYS } from '../../../native/sys.js';
import { PROCESS_QUERIES, archProcessProblems } from '../../arch/index.js';
import { TASK_STATE } from '../../image/constants.js';
import type { TaskCoreEntry } from '../../image/types.js';
import type { ProcStat } from '../../procfs/stat.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { aboutToExpire, findExpired, withoutExpired, type ExpiredTimers } from './expired.js';
import { dumpKeys, FIRST_KEY, keyQuery } from './keys.js';
import { toRlimits } from './limits.js';
import { decodeQueue } from './pending.js';
import { onceEach } from './once-each.js';
import { plainQuery, queryRemotely, type RemoteAnswer, type RemoteQuery } from './remote-query.js';
import { dumpSigactions } from './sigactions.js';
import { reader } from '../../../native/structures.js';
import { timersProblem } from './timer-limits.js';
import { dumpTimers } from './timers.js';

const QUERIES = {
  dumpable: plainQuery(SYS.prctl, PR.getDumpable, 0, 0, 0, 0),
  subreaper: intoRoom(SYS.prctl, PR.getChildSubreaper),
  thpDisable: plainQuery(SYS.prctl, PR.getThpDisable, 0, 0, 0, 0),
  memoryMerge: plainQuery(SYS.prctl, PR.getMemoryMerge, 0, 0, 0, 0),
  mdwe: plainQuery(SYS.prctl, PR.getMdwe, 0, 0, 0, 0),
  registrations: plainQuery(SYS.membarrier, MEMBARRIER.getRegistrations, 0, 0),
  membarriers: plainQuery(SYS.membarrier, MEMBARRIER.query, 0, 0),
  brk: plainQuery(SYS.brk, 0),
  firstKey: keyQuery(FIRST_KEY),
  ...PROCESS_QUERIES,
} as const;

function intoRoom(nr: number, operation: number): RemoteQuery {
  return { nr, args: (room) => [operation, room, 0, 0, 0], room: 8 };
}

/** A process's part of its leader's entry, and why it cannot be restored, if it cannot. */
export interface ProcessDump {
  readonly task: TaskCoreEntry;
  readonly problems: readonly string[];
  readonly expired: ExpiredTimers;
  /** The end of its heap. */
  readonly brk: bigint;
  /** Protection keys that it has allocated: bit N for key N; undefined if only key 0. */
  readonly keys: number | undefined;
}

/** What a process's dump needs besides the process. */
interface ProcessContext {
  readonly tracer: Tracer;
  readonly stopSignal: number | undefined;
  readonly isKeyed: boolean;
}

/**
 * Reads what belongs to a process.
 *
 * @param stopSignal the signal by which job control had stopped it; undefined if it runs
 * @param isKeyed whether some of its memory has a protection key
 */
export async function dumpProcess(
  process: TracedProcess,
  { tracer, stopSignal, isKeyed }: ProcessContext,
): Promise<ProcessDump> {
  const { leader, proc } = process;
  const { status } = leader;
  const { personality, stat } = proc;
  const [answers, timers, sigactions] = await Promise.all([
    askOptions(process),
    dumpTimers(process, proc.timers),
    dumpSigactions(leader, status),
  ]);
  const keys = await dumpKeys(process, { isKeyed, first: answers.firstKey });
  const expired = await findExpired(process, timers, tracer);
  const task: TaskCoreEntry = {
    task_state: stopSignal === undefined ? TASK_STATE.alive : TASK_STATE.stopped,
    ...(stopSignal === undefined ? {} : { stop_signo: stopSignal }),
    // Of a stopped process: 0 once its parent has been told (wait4(2)).
    exit_code: stopSignal === undefined ? 0 : stat.exitCode,
    personality,
    mvas_personality: personality,
    flags: 0,
    blk_sigset: leader.state.signalMask,
    comm: status.name,
    timers: aboutToExpire(timers.entry, expired),
    rlimits: toRlimits(proc.limits),
    signals_s: withoutExpired(decodeQueue(leader.state.sharedSignals), expired),
    sigactions,
    oom_score_adj: proc.oomScoreAdj,
    mvas_exit_signal: stat.exitSignal,
    mvas_coredump_filter: proc.coredumpFilter,
    ...options(answers, process.threads.length > 1),
  };
  const timersLack = timersProblem(timers.entry, hasTimerIds());
  const problems = [
    ...archProcessProblems(answers),
    ...(timersLack === undefined ? [] : [timersLack]),
  ];
  return { task, expired, problems, brk: answers.brk.result, keys };
}

/** The entry of a zombie. */
export function zombieTask({ comm, exitCode, exitSignal }: ProcStat): TaskCoreEntry {
  return {
    task_state: TASK_STATE.dead,
    exit_code: exitCode,
    personality: 0,
    flags: 0,
    blk_sigset: 0n,
    comm,
    sigactions: [],
    mvas_exit_signal: exitSignal,
  };
}

type Answers = { [Name in keyof typeof QUERIES]: { result: bigint; bytes: Uint8Array } };

async function askOptions(process: TracedProcess): Promise<Answers> {
  return byName(await queryRemotely(process.leader, Object.values(QUERIES)));
}

const byName = onceEach((answers: readonly RemoteAnswer[]): Answers => {
  const names = Object.keys(QUERIES);
  return Object.fromEntries(names.map((name, index) => [name, answers[index]])) as Answers;
});

/** Options of an address space and a process. A process does not have those that an older kernel does not know. */
function options(answers: Answers, isThreaded: boolean): Partial<TaskCoreEntry> {
  const what = 'read options of a process';
  const known = (name: keyof typeof QUERIES): number => Math.max(0, Number(answers[name].result));
  check(what, Number(answers.dumpable.result));
  check(what, Number(answers.subreaper.result));
  return {
    mvas_dumpable: Number(answers.dumpable.result),
    child_subreaper: reader(answers.subreaper.bytes).readInt32LE(0) !== 0,
    mvas_thp_disable: known('thpDisable'),
    mvas_memory_merge: known('memoryMerge') !== 0,
    mvas_mdwe: known('mdwe'),
    membarrier_registration_mask: registrations(answers, isThreaded),
  };
}

/** Before Linux 6.3, nothing says what is registered: then a threaded process gets everything there is. */
function registrations(answers: Answers, isThreaded: boolean): number {
  const told = answers.registrations.result;
  if (told >= 0n) return Number(told) & MEMBARRIER.registrations;
  const supported = answers.membarriers.result;
  return isThreaded && supported > 0n ? Number(supported) & MEMBARRIER.registrations : 0;
}
