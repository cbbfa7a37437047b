// SPDX-License-Identifier: Apache-2.0
import type { HostTid } from '../../../common/ids.js';
import { logger, type Warning } from '../../../common/log.js';
import { PR } from '../../../native/abi/index.js';
import { syscall, type Tracer } from '../../../native/index.js';
import { check, SYS } from '../../../native/sys.js';
import {
  THREAD_QUERIES,
  archThreadProblems,
  decodeRegisters,
  resolveRestart,
  threadFields,
  threadInfo,
} from '../../arch/index.js';
import type { CoreEntry, ThreadCoreEntry } from '../../image/types.js';
import type { Tracee } from '../../tracee/tracee.js';
import type { IdMaps } from '../../procfs/id-map.js';
import { toCreds } from './creds.js';
import { decodeQueue, queueProblem } from './pending.js';
import { onceEach } from './once-each.js';
import { plainQuery, queryRemotely, type RemoteAnswer, type RemoteQuery } from './remote-query.js';
import { rseqEntry } from './rseq.js';
import { dumpScheduling, type Scheduling } from './scheduling.js';
import { notifiesSupervisor, readSeccompChain, type ChainLink } from './seccomp.js';
import { reader } from '../../../native/structures.js';

const log = logger('criu:attributes');

const STACK_T_SIZE = 24;
const MCE_KILL_DEFAULT = 2;
const SECCOMP_MODES = ['disabled', 'strict', 'filter'] as const;

const QUERIES = {
  altstack: { nr: SYS.sigaltstack, args: (room) => [0, room], room: STACK_T_SIZE },
  tidAddress: { nr: SYS.prctl, args: (room) => [PR.getTidAddress, room, 0, 0, 0], room: 8 },
  pdeathsig: { nr: SYS.prctl, args: (room) => [PR.getPdeathsig, room, 0, 0, 0], room: 8 },
  securebits: plainQuery(SYS.prctl, PR.getSecurebits, 0, 0, 0, 0),
  timerslack: plainQuery(SYS.prctl, PR.getTimerslack, 0, 0, 0, 0),
  mceKill: plainQuery(SYS.prctl, PR.mceKillGet, 0, 0, 0, 0),
  ...THREAD_QUERIES,
} as const satisfies Readonly<Record<string, RemoteQuery>>;

/** What the kernel writes into, at each call. */
const [HEAD, LENGTH] = [new BigUint64Array(1), new BigUint64Array(1)];

type Answers = { [Name in keyof typeof QUERIES]: RemoteAnswer };

/** What a thread's dump needs besides the thread. */
export interface ThreadContext {
  readonly tracer: Tracer;
  readonly maps: IdMaps;
  /** Processors that its container may use. */
  readonly cpus: readonly number[];
  /** Registers to take instead of those that threads stopped with, by host tid. */
  readonly resume: ReadonlyMap<HostTid, Uint8Array>;
}

/** A thread's entry, without the number of its filter; its filters; and why it cannot be restored, if it cannot. */
export interface ThreadDump {
  readonly thread: Tracee;
  readonly core: CoreEntry;
  readonly chain: readonly ChainLink[];
  readonly problems: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Reads what belongs to a stopped thread. */
export async function dumpThread(thread: Tracee, context: ThreadContext): Promise<ThreadDump> {
  const stopped = decodeRegisters(context.resume.get(thread.tid) ?? thread.state.registers);
  const answers = await ask(thread);
  const chain = await readFilters(thread, context);
  const problems = threadProblems(thread, answers);
  if (chain.some(({ filter }) => notifiesSupervisor(filter))) {
    problems.push('a seccomp filter with a supervisor is not supported; remedy: start it without');
  }
  if (thread.state.hasUserDispatch) {
    problems.push('syscall user dispatch is not supported; remedy: let it turn that off');
  }
  const resolved = resolveRestart(stopped, (...at) => readIfAny(thread, ...at));
  const { registers, restart } = resolved;
  const thread_core = threadCore(thread, answers, context);
  if (restart !== undefined) thread_core.mvas_restart = restart;
  const info = threadInfo(registers, word(answers.tidAddress), thread.state.xstate);
  const core: CoreEntry = { ...info, thread_core };
  const fields = { thread: thread.label };
  const warnings = resolved.isCut
    ? [{ log, message: 'a wait returns EINTR after a restore', fields }]
    : [];
  return { thread, core, chain, problems, warnings };
}

async function ask(thread: Tracee): Promise<Answers> {
  return byName(await queryRemotely(thread, Object.values(QUERIES)), thread.label);
}

const byName = onceEach((answers: readonly RemoteAnswer[], label: string): Answers => {
  const names = Object.keys(QUERIES);
  const found = Object.fromEntries(names.map((name, index) => [name, answers[index]])) as Answers;
  for (const name of ['altstack', 'tidAddress', 'pdeathsig', 'securebits', 'timerslack'] as const) {
    check(`read ${name} of ${label}`, Number(found[name].result));
  }
  return found;
});

function threadCore(thread: Tracee, answers: Answers, context: ThreadContext): ThreadCoreEntry {
  const altstack = reader(answers.altstack.bytes);
  const { futex_rla, futex_rla_len } = robustList(thread);
  const scheduling = dumpScheduling(thread, context.cpus);
  const core: ThreadCoreEntry = {
    futex_rla,
    futex_rla_len,
    sched_nice: scheduling.sched_nice,
    sched_policy: scheduling.sched_policy,
    sched_prio: scheduling.sched_prio,
    mvas_sched_attr: scheduling.mvas_sched_attr,
    blk_sigset: thread.state.signalMask,
    sas: {
      ss_sp: altstack.readBigUInt64LE(0),
      ss_flags: altstack.readUInt32LE(8),
      ss_size: altstack.readBigUInt64LE(16),
    },
    signals_p: decodeQueue(thread.state.privateSignals),
    creds: toCreds(thread.status, Number(answers.securebits.result), context.maps),
    comm: thread.status.name,
    mvas_xstate: thread.state.xstate,
    mvas_timerslack: answers.timerslack.result,
  };
  addUnusual(core, thread, answers, scheduling);
  return core;
}

/** What few threads have. One by one: V8 takes long to spread objects into one that has something. */
function addUnusual(
  core: ThreadCoreEntry,
  thread: Tracee,
  answers: Answers,
  { mvas_cpu_mask, mvas_ioprio }: Scheduling,
): void {
  const pdeathsig = reader(answers.pdeathsig.bytes).readInt32LE(0);
  const mceKill = Number(answers.mceKill.result);
  const rseq = rseqEntry(thread);
  const mode = SECCOMP_MODES[thread.status.seccomp] ?? 'disabled';
  const { mvas_tsc } = threadFields(answers);
  if (pdeathsig !== 0) core.pdeath_sig = pdeathsig;
  if (rseq) core.rseq_entry = rseq;
  if (mceKill !== MCE_KILL_DEFAULT && mceKill >= 0) core.mvas_mce_kill = mceKill;
  if (mode !== 'disabled') core.seccomp_mode = mode;
  if (mvas_cpu_mask) core.mvas_cpu_mask = mvas_cpu_mask;
  if (mvas_ioprio !== undefined) core.mvas_ioprio = mvas_ioprio;
  if (mvas_tsc !== undefined) core.mvas_tsc = mvas_tsc;
}

function robustList({ tid, label }: Tracee): Pick<ThreadCoreEntry, 'futex_rla' | 'futex_rla_len'> {
  const error = syscall(SYS.get_robust_list, tid, HEAD, LENGTH);
  if (error < 0) check(`read the robust list of ${label}`, error);
  return { futex_rla: HEAD[0] ?? 0n, futex_rla_len: Number(LENGTH[0] ?? 0n) };
}

function readFilters(thread: Tracee, context: ThreadContext): Promise<ChainLink[]> {
  const hasFilters = SECCOMP_MODES[thread.status.seccomp] === 'filter';
  return hasFilters ? readSeccompChain(context.tracer, thread) : Promise.resolve([]);
}

function threadProblems(thread: Tracee, answers: Answers): string[] {
  const { privateSignals, sharedSignals } = thread.state;
  const queues = thread.tid === thread.pid ? [privateSignals, sharedSignals] : [privateSignals];
  return [
    ...archThreadProblems(answers),
    ...queues.map((queue) => queueProblem(decodeQueue(queue)) ?? ''),
  ].filter((problem) => problem !== '');
}

function readIfAny(thread: Tracee, address: bigint, length: number): Uint8Array | undefined {
  try {
    return thread.readMemory(address, length);
  } catch {
    return undefined; // Execute-only, or at the start of a mapping.
  }
}

function word(answer: RemoteAnswer): bigint {
  return reader(answer.bytes).readBigUInt64LE(0);
}
