// SPDX-License-Identifier: Apache-2.0
import { INIT, type NsPid, type NsTid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import { MEMBARRIER, PR, SIGCHLD } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import { processLabel, threadLabel } from '../../label.js';
import type { CoreEntry, RlimitEntry, SeccompEntry, TaskCoreEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { PlanData } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { CredsPlan, prctl } from './creds-plan.js';
import type { HostFacts } from './host-facts.js';
import { checkLabels, type Label } from './labels.js';
import { effectiveRlimits, planRaises, planRlimits } from './limits.js';
import { QueuePlan } from './queue-plan.js';
import { checkThreadLimits, type LiveLimits } from './policy.js';
import { chainOf, commonLength, effectiveChain, type ChainLink } from './seccomp.js';
import { SeccompPlan } from './seccomp-plan.js';
import { SigactionPlan } from './sigactions.js';
import { words } from '../../../native/structures.js';
import { ThreadPlan, type LastOptions } from './thread-plan.js';
import { TimerPlan } from './timer-plan.js';

/** A process of an image. Its leader's entry is the first of its threads' entries. */
export interface ProcessCores {
  readonly nsPid: NsPid;
  /** Entries by container tid, including the leader's. */
  readonly threads: ReadonlyMap<NsTid, CoreEntry>;
}

/** What an image says about attributes. */
export interface AttributesImage {
  /** The container's init; PID 1 by default. */
  readonly root?: NsPid;
  readonly processes: readonly ProcessCores[];
  readonly seccomp: SeccompEntry | undefined;
}

/** What an {@link AttributePlan} is made from. */
export interface AttributePlanOptions {
  readonly builder: PlanBuilder;
  readonly image: Valid<AttributesImage>;
  /** Signals that zombies and helpers send at the restore, except for SIGCHLD, which is the default. */
  readonly restoreSignals?: readonly number[];
  readonly limits: LiveLimits;
  /** A descriptor of the container's root that threads have; needed if there are labels. */
  readonly root?: number;
  readonly host: HostFacts;
}

interface ProcessState {
  readonly nsPid: NsPid;
  readonly task: TaskCoreEntry;
  readonly threads: ReadonlyMap<NsTid, CoreEntry>;
  readonly chains: ReadonlyMap<NsTid, readonly ChainLink[]>;
  /** The number of filters that all its threads begin with. */
  readonly shared: number;
  readonly rlimits: readonly RlimitEntry[];
}

const DUMPABLE_BY_ROOT = 2;

/**
 * Plans the attributes of all threads and processes of an image, except zombies, which have none. PID 1 runs {@link
 * planInherited}. Each process runs {@link planProcess}, then each of its threads runs {@link planThread}, and when
 * all of them have done so, its leader runs {@link planLate}.
 */
export class AttributePlan {
  readonly #builder: PlanBuilder;
  readonly #processes = new Map<NsPid, ProcessState>();
  readonly #limits: LiveLimits;
  readonly #host: HostFacts;
  readonly #restoreMask: PlanData;
  readonly #sigactions: SigactionPlan;
  readonly #queues: QueuePlan;
  readonly #seccomp: SeccompPlan;
  readonly #timers: TimerPlan;
  readonly #creds: CredsPlan;
  readonly #threads: ThreadPlan;
  readonly #last: LastOptions;

  /**
   * @throws ShimError `failedPrecondition` for anything beyond the live limits
   */
  constructor(options: AttributePlanOptions) {
    const { builder, image, limits, host } = options;
    this.#builder = builder;
    this.#limits = limits;
    this.#host = host;
    const { restoreSignals = [SIGCHLD] } = options;
    const bits = restoreSignals.map((signal) => 1n << BigInt(signal - 1));
    this.#restoreMask = builder.data(words(bits.reduce((all, bit) => all | bit, 0n)));
    this.#sigactions = new SigactionPlan(builder);
    this.#queues = new QueuePlan(builder);
    this.#seccomp = new SeccompPlan(builder);
    this.#timers = new TimerPlan(builder, host.hasTimerIds);
    const { lastCapability } = host;
    this.#creds = new CredsPlan(builder, { lastCapability, allowed: limits.boundingSet });
    this.#threads = new ThreadPlan(builder, this.#creds);
    const { noNewPrivileges: mustNotGain, labels = [] } = limits;
    this.#last = { mustNotGain, labels, root: options.root ?? -1 };
    for (const cores of image.processes) {
      const { seccomp, root = INIT } = image;
      const isInit = cores.nsPid === root;
      this.#processes.set(cores.nsPid, checkCores(cores, { seccomp, limits, isInit }));
    }
  }

  /** By PID 1 before it forks: what most processes have, and all inherit. */
  planInherited(root: Sequence): void {
    this.#sigactions.planDefaults(root);
    this.#creds.planBounds(root);
  }

  /**
   * By the leader while it is the only thread, with the host's privileges and all its memory mapped: what all
   * threads share or inherit.
   */
  planProcess(nsPid: NsPid, sequence: Sequence): void {
    const { task, chains, shared, rlimits } = this.#process(nsPid);
    this.#sigactions.planAll(task.sigactions, sequence);
    planOptions(task, sequence);
    planRaises(this.#builder, rlimits, this.#host.limits, sequence);
    this.#seccomp.planFilters((chains.get(nsPid) ?? []).slice(0, shared), sequence);
  }

  /** By the leader, whose threads inherit it, after its last mprotect(2): with READ_IMPLIES_EXEC, memory that is read becomes executable. */
  planPersonality(nsPid: NsPid, sequence: Sequence): void {
    const { task } = this.#process(nsPid);
    const personality = task.mvas_personality ?? task.personality;
    sequence.syscall('set the personality', SYS.personality, [personality]);
  }

  /** By each thread, including the leader, with the host's privileges; afterwards it has its own. */
  planThread(nsPid: NsPid, nsTid: NsTid, sequence: Sequence): void {
    const { threads, chains, shared } = this.#process(nsPid);
    const core = threads.get(nsTid)?.thread_core ?? badImage(`no thread ${String(nsTid)}`);
    this.#threads.planFirst(threads.get(nsTid), sequence);
    if (nsTid !== nsPid) this.#queues.planPrivate({ nsPid, nsTid }, core.signals_p, sequence);
    this.#seccomp.planFilters((chains.get(nsTid) ?? []).slice(shared), sequence);
    if (core.seccomp_mode === 'strict') this.#seccomp.planStrict(sequence);
    this.#threads.planLast(core, this.#last, sequence);
  }

  /**
   * By the leader, when all its threads have run {@link planThread} and all zombies are dead. Needs no privilege.
   * Must come after everything that opens files of /proc/self, which a process that is no longer dumpable may not
   * do.
   */
  planLate(nsPid: NsPid, sequence: Sequence): void {
    const { task, threads, rlimits } = this.#process(nsPid);
    sequence.drainSignals('forget signals of the restore', this.#restoreMask);
    this.#sigactions.planChild(task.sigactions, sequence);
    this.#queues.planShared(nsPid, task.signals_s, sequence);
    const own = threads.get(nsPid)?.thread_core?.signals_p;
    this.#queues.planPrivate({ nsPid, nsTid: nsPid }, own, sequence);
    if (task.timers) this.#timers.plan(nsPid, task.timers, sequence);
    planRlimits(this.#builder, rlimits, this.#host.limits, sequence);
    if (task.mvas_mdwe) {
      prctl(sequence, 'deny writable executable memory', [PR.setMdwe, task.mvas_mdwe]);
    }
    // Only the kernel sets 2; with 0, too, only root may inspect the process.
    const dumpable = task.mvas_dumpable === DUMPABLE_BY_ROOT ? 0 : (task.mvas_dumpable ?? 1);
    prctl(sequence, 'set dumpable', [PR.setDumpable, dumpable]);
  }

  /**
   * The action of SIGTRAP if it is not the default. A breakpoint whose SIGTRAP is blocked or ignored makes the
   * kernel reset the action (force_sig in kernel/signal.c). So if this is defined, the tracer makes one remote call
   * after the last breakpoint of the process:
   * `rt_sigaction(SIGTRAP, <address of this data>, 0, 8)`.
   */
  trapAction(nsPid: NsPid): PlanData | undefined {
    return this.#sigactions.trapAction(this.#process(nsPid).task.sigactions);
  }

  /** What a thread is planned to have in the end, for the audit. */
  expected(nsPid: NsPid, nsTid: NsTid): ExpectedThread {
    const { task, threads, chains, rlimits } = this.#process(nsPid);
    const core = threads.get(nsTid) ?? badImage(`no thread ${String(nsTid)}`);
    const noNewPrivs =
      this.#limits.noNewPrivileges || (core.thread_core?.creds?.no_new_privs ?? 0) !== 0;
    const filters = (chains.get(nsTid) ?? []).length;
    const { labels } = this.#last;
    return { core, task, rlimits, noNewPrivs, filters, labels, isLeader: nsTid === nsPid };
  }

  #process(nsPid: NsPid): ProcessState {
    return this.#processes.get(nsPid) ?? badImage(`no process ${String(nsPid)}`);
  }
}

/** A thread as it should be when it is let go. */
export interface ExpectedThread {
  readonly core: CoreEntry;
  readonly task: TaskCoreEntry;
  readonly rlimits: readonly RlimitEntry[];
  readonly noNewPrivs: boolean;
  /** Number of seccomp filters. */
  readonly filters: number;
  readonly labels: readonly Label[];
  readonly isLeader: boolean;
}

function checkCores(
  { nsPid, threads }: ProcessCores,
  {
    seccomp,
    limits,
    isInit,
  }: Pick<AttributesImage, 'seccomp'> & Pick<AttributePlanOptions, 'limits'> & { isInit: boolean },
): ProcessState {
  const leader = threads.get(nsPid) ?? badImage(`no leader of pid ${String(nsPid)}`);
  const task = leader.tc ?? badImage(`no task core of pid ${String(nsPid)}`);
  const label = processLabel(nsPid, task.comm);
  checkLabels(label, limits.labels ?? [], threads.size);
  const chains = new Map<NsTid, readonly ChainLink[]>();
  for (const [nsTid, core] of threads) {
    checkThreadLimits(threadLabel(label, nsPid, nsTid), core, limits, isInit);
    const isFiltered = core.thread_core?.seccomp_mode === 'filter';
    const own = isFiltered ? chainOf(seccomp, core.thread_core?.seccomp_filter) : [];
    chains.set(nsTid, effectiveChain(own, limits.seccompChain ?? []));
  }
  const first = chains.get(nsPid) ?? [];
  const shared = [...chains.values()].map((chain) => commonLength(first, chain));
  const rlimits = effectiveRlimits(task.rlimits, limits.hardLimits);
  return { nsPid, task, threads, chains, rlimits, shared: Math.min(...shared) };
}

function planOptions(task: TaskCoreEntry, sequence: Sequence): void {
  if (task.mvas_thp_disable) {
    const flags = task.mvas_thp_disable & ~1;
    prctl(sequence, 'disable huge pages', [PR.setThpDisable, 1, flags]);
  }
  if (task.mvas_memory_merge) prctl(sequence, 'merge memory', [PR.setMemoryMerge, 1]);
  if (task.child_subreaper) prctl(sequence, 'become a subreaper', [PR.setChildSubreaper, 1]);
  const registrations = (task.membarrier_registration_mask ?? 0) & MEMBARRIER.registrations;
  for (let command = 1; command <= registrations; command <<= 1) {
    if ((registrations & command) === 0) continue;
    const what = `register for membarrier ${String(command)}`;
    sequence.syscall(what, SYS.membarrier, [command, 0, 0]);
  }
}
