// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { openPidfd, SYS } from '../../native/sys.js';
import type { Spec } from '../spec.js';
import { isDead } from '../image/validate-tasks.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import type { CoreEntry } from '../image/types.js';
import { checkHeritage } from '../memory/heritage.js';
import { MemoryPlan, type KernelArea } from '../memory/memory-plan.js';
import type { OpenedImage } from './open-image.js';
import { WORK } from '../plan/abi.js';
import {
  PlanBuilder,
  PlanPointer,
  type Plan,
  type PlanData,
  type Slot,
  type Sequence,
} from '../plan/builder.js';
import { readLimits, readMountinfo, readStatus } from '../procfs/reader.js';
import {
  applyFromOutside,
  AttributePlan,
  auditThread,
  finalThreadState,
  limitsOfSpec,
  liveUser,
  type FinalThreadState,
  type LiveLimits,
} from '../resources/attributes.js';
import { hasPendingStop } from '../resources/attributes/pending.js';
import { FilePlan, type FilesImage, type StdioSlots } from '../resources/files/index.js';
import { lookOf } from './look-of-image.js';
import type { Range } from '../memory/layout.js';
import { execStructure } from '../vas/kernel-abi.js';
import { KernelDevice } from '../vas/kernel-device.js';
import { buildTree, forkersOf } from '../tree/process-tree.js';
import { exitSignalOf, signalsOfRestore } from '../tree/exit-signal.js';
import { StopPlan, type LateCall } from '../tree/stop-plan.js';
import { TreePlan } from '../tree/tree-plan.js';

/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWNET: what PID 1 joins of the donor (linux/sched.h). */
const JOINED = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x40000000;
const CLONE_FILES = 0x400;
const INIT = 1;
const THREAD_STACK = 4096;
const SIGTRAP = 5;
/** Of keyctl(2); without a name it makes a new one. */
const JOIN_SESSION_KEYRING = 1;
const XSTATE_SIZE = 4096;

/** What a plan of a restore is made from. */
export interface RestorePlanOptions {
  readonly opened: OpenedImage;
  readonly live: Spec;
  readonly kernelAreas: readonly KernelArea[];
  /** Descriptors of ours for the new stdio; null: the console, or /dev/null. */
  readonly stdio: readonly [number | null, number | null, number | null];
  /** The donor has a terminal. */
  readonly hasConsole: boolean;
  readonly donorPid: number;
  /** Filters of the live spec: every thread gets at least these. */
  readonly seccompChain: LiveLimits['seccompChain'];
}

/** A thread as its tracer has to leave it. */
export interface FinalThread {
  readonly nsPid: number;
  readonly nsTid: number;
  /** By which signal its process is to be stopped by job control. */
  readonly stopSignal: number | undefined;
  /** SIGSTOP is pending: of the thread, of its process. */
  readonly stopsPending: { readonly own: boolean; readonly shared: boolean };
  /** How many processes its process descends from. */
  readonly depth: number;
  state(): FinalThreadState;
}

/** What {@link RestorePlan.exec} is made of. */
export interface ExecPlan {
  /** Where the restorer's own range begins. */
  readonly base: bigint;
  /** Descriptors of /dev/mvas and of the plan, in every process that stands there. */
  readonly device: Slot;
  readonly planFile: Slot;
  /** Address of a process's `struct mvas_exec`. */
  readonly requestOf: (nsPid: number) => bigint;
  /** What a process maps: whatever else its duplicate has is not its own. */
  readonly areasOf: (nsPid: number) => readonly Range[];
}

/**
 * The plan of a whole restore. Every process and thread has a sequence; all stand still together at
 * these points:
 *
 * 1. PID 1 has joined the donor's namespaces
 * 2. all are forked, sessions are made; 3. all groups are joined (more in `TreePlan.barriers`)
 *
 *    (all exec duplicates of their memory, where the kernel has these)
 * 4. files and memory are in place everywhere
 * 5. all threads have their attributes; 6. everything is done
 */
export class RestorePlan {
  /** How many threads stand at each point after the first. */
  readonly barriers: readonly number[];
  /** The one of them at which all processes are to exec, if they do. */
  readonly execBarrier: number;
  readonly finalThreads: readonly FinalThread[];
  /** Set where the kernel has the memory; then the plan's own descriptor goes along as the last. */
  readonly exec: ExecPlan | undefined;
  /** Descriptors that go along: they fill the first slots. */
  readonly fds: readonly number[];
  /** Those of {@link fds} that are ours to close. */
  readonly ownFds: readonly number[];
  readonly #builder: PlanBuilder;
  readonly #root: Sequence;
  readonly #image: CheckpointImage;
  readonly #base: bigint;
  readonly #limits: LiveLimits;
  readonly #attributes: AttributePlan;
  readonly #files: FilePlan;
  readonly #memory: MemoryPlan;
  readonly #stops: StopPlan;

  constructor(options: RestorePlanOptions) {
    const { opened, live, donorPid } = options;
    this.#image = opened.image;
    this.#base = opened.base;
    const builder = new PlanBuilder(this.address);
    this.#builder = builder;
    this.#stops = new StopPlan(builder, this.#image);
    const donorSlot = builder.slot();
    const stdio = options.stdio.map((fd) => (fd === null ? null : builder.slot()));
    this.exec = opened.duplicates && this.#planExec(opened.duplicates);
    this.#root = builder.sequence('pid 1');
    this.#limits = { ...liveLimits(live, donorPid), seccompChain: options.seccompChain };
    this.#files = new FilePlan(builder, filesOf(this.#image), {
      stdio: stdio as unknown as StdioSlots,
      hasConsole: options.hasConsole,
      mounts: readMountinfo(donorPid),
      look: lookOf(this.#image),
      keepsRoot: (this.#limits.labels ?? []).length > 0,
    });
    this.#memory = new MemoryPlan({
      builder,
      base: opened.base,
      mms: this.#image.mms,
      kernelAreas: options.kernelAreas,
      execs: this.exec !== undefined,
      staged: (id) => this.#files.staged(id),
      stage: (what, path) => this.#files.planStaged(what, path),
    });
    this.#attributes = new AttributePlan({
      builder,
      processes: this.#alive().map(({ pid, threads }) => ({
        nsPid: pid,
        threads: this.#cores(threads),
      })),
      restoreSignals: signalsOfRestore(this.#image.cores.values()),
      seccomp: this.#image.seccomp,
      limits: this.#limits,
      root: this.#files.stageBase,
    });
    this.finalThreads = this.#alive().flatMap(({ pid, threads }) =>
      threads.map((tid) => this.#finalThread(pid, tid)),
    );
    this.#root.syscall('join the namespaces of the container', SYS.setns, [donorSlot, JOINED]);
    this.#root.stop('joined');
    this.#root.syscall('make a session', SYS.setsid, []);
    this.#planKeyring();
    this.#files.planOpen(this.#root);
    this.#memory.planShared(this.#root);
    const tree = this.#planTree();
    for (const { pid, threads } of this.#alive()) {
      this.#planProcess(pid, threads, tree.sequence(pid));
    }
    const [all, alive] = [this.finalThreads.length, this.#alive().length];
    this.barriers = [...tree.barriers, ...(this.exec ? [alive] : []), alive, all, all];
    this.execBarrier = tree.barriers.length;
    // Nothing is open if anything above has failed.
    const pidfd = openPidfd(donorPid);
    const device = opened.duplicates ? [KernelDevice.open().fd] : [];
    this.ownFds = [pidfd, ...device];
    this.fds = [pidfd, ...options.stdio.filter((fd) => fd !== null), ...device];
  }

  /** Where the plan is to be mapped. */
  get address(): bigint {
    return this.#base + WORK.plan;
  }

  /** The offset where PID 1 begins. */
  get entry(): number {
    return this.#root.offset;
  }

  /** Judges the files that are open once the first of {@link barriers} is reached; says which have moved. */
  checkOpened(read: (offset: number, length: number) => Buffer): string[] {
    return this.#files.checkOpened(read);
  }

  finish(): Plan {
    return this.#builder.finish();
  }

  applyFromOutside(hostPid: number, final: FinalThread): void {
    applyFromOutside(hostPid, this.#core(final.nsPid), this.#limits);
  }

  /** Differences between a thread, seen from outside, and what it should be. */
  audit(
    host: { readonly hostPid: number; readonly hostTid: number },
    final: FinalThread,
  ): string[] {
    const expected = this.#attributes.expected(final.nsPid, final.nsTid);
    return auditThread({ pid: host.hostPid, tid: host.hostTid }, expected);
  }

  /** The last system calls of a process: after them nothing of ours is left in it. */
  lastCalls(nsPid: number): LateCall[] {
    const calls = this.#stops.calls(nsPid, this.address);
    const action: PlanData | undefined = this.#trapActions.get(nsPid);
    if (action) {
      const address = this.address + BigInt(action.offset);
      calls.push({ nr: SYS.rt_sigaction, args: [SIGTRAP, address, 0, 8] });
    }
    calls.push({ nr: SYS.munmap, args: [this.#base, WORK.size] });
    return calls;
  }

  readonly #trapActions = new Map<number, PlanData>();

  /**
   * A session keyring of the container's own, as runc gives one: without it the keyring is that of
   * the engine's user, with whatever keys it has. Kernels without keyrings have none to give, and none to
   * protect; nor is a quota that is used up a reason to fail.
   */
  #planKeyring(): void {
    const args = [JOIN_SESSION_KEYRING, 0];
    this.#root.syscall('join a session keyring', SYS.keyctl, args, { tolerate: true });
  }

  /** The descriptors' slots have to follow those of the others. */
  #planExec(duplicates: ReadonlyMap<number, number>): ExecPlan {
    const base = this.#base;
    const requests = new Map(
      [...duplicates].map(([pid, id]) => [pid, this.#builder.data(execStructure(id, base))]),
    );
    return {
      base,
      device: this.#builder.slot(),
      planFile: this.#builder.slot(),
      requestOf: (pid) => {
        const request = requests.get(pid) ?? badImage(`no duplicate of pid ${String(pid)}`);
        return this.address + BigInt(request.offset);
      },
      areasOf: (pid) => this.#image.mms.get(pid)?.vmas ?? [],
    };
  }

  #planTree(): TreePlan {
    const dead = new Set(
      this.#image.pstree.filter(({ pid }) => this.#isDead(pid)).map(({ pid }) => pid),
    );
    const parents = new Map(this.#image.pstree.map(({ pid, ppid }) => [pid, ppid]));
    const processes = this.#image.pstree.map((entry) => ({
      ...entry,
      isZombie: dead.has(entry.pid),
      name: this.#core(entry.pid).tc?.comm ?? '',
    }));
    const taken = new Set(this.#image.pstree.flatMap(({ threads }) => threads));
    const root = buildTree(processes, taken);
    checkHeritage(this.#image.mms, forkersOf(root));
    const shares = (pid: number): boolean => {
      const parent = parents.get(pid) ?? 0;
      if (dead.has(pid) || parent === 0) return false;
      return this.#files.tableOwner(pid) === this.#files.tableOwner(parent);
    };
    return new TreePlan(
      {
        builder: this.#builder,
        memory: this.#memory,
        root,
        onSession: (pid, sequence) => {
          this.#files.planSession(pid, sequence);
        },
        forkOptions: (pid) => ({
          flags: shares(pid) ? CLONE_FILES : 0,
          exitSignal: exitSignalOf(this.#core(pid)),
        }),
        dead: (pid) => {
          const { tc } = this.#core(pid);
          return { exitCode: tc?.exit_code ?? 0, comm: tc?.comm ?? '' };
        },
      },
      this.#root,
    );
  }

  #planProcess(pid: number, threads: readonly number[], sequence: Sequence): void {
    if (this.exec) sequence.stop('ready for its memory');
    this.#files.planForeground(pid, sequence);
    this.#files.planPlace(pid, sequence);
    this.#memory.planPlace(pid, sequence);
    this.#attributes.planProcess(pid, sequence);
    this.#files.planFs(pid, sequence);
    sequence.stop('all in place');
    this.#files.planRelease(pid, sequence);
    this.#memory.planFinish(pid, sequence);
    for (const tid of threads.filter((one) => one !== pid)) {
      const thread = this.#builder.sequence(`pid ${String(pid)} tid ${String(tid)}`);
      const stack = this.#builder.reserve(THREAD_STACK, 64);
      const end = new PlanPointer(stack, THREAD_STACK);
      sequence.thread(`make thread ${String(tid)}`, tid, thread, end);
      this.#attributes.planThread(pid, tid, thread);
      thread.stop('attributes set');
      thread.stop('done');
    }
    this.#attributes.planThread(pid, pid, sequence);
    sequence.stop('attributes set');
    this.#files.planAfterDrop(pid, sequence);
    this.#attributes.planLate(pid, sequence);
    const action = this.#attributes.trapAction(pid);
    if (action) this.#trapActions.set(pid, action);
    sequence.stop('done');
  }

  #finalThread(nsPid: number, nsTid: number): FinalThread {
    const core = this.#core(nsTid);
    return {
      nsPid,
      nsTid,
      stopSignal: this.#stops.stopSignal(nsPid),
      stopsPending: {
        own: hasPendingStop(core.thread_core?.signals_p),
        shared: nsTid === nsPid && hasPendingStop(core.tc?.signals_s),
      },
      depth: this.#stops.depth(nsPid),
      state: () => finalThreadState(core, XSTATE_SIZE),
    };
  }

  #alive() {
    return this.#image.pstree.filter(({ pid }) => !this.#isDead(pid));
  }

  #isDead(pid: number): boolean {
    return pid !== INIT && isDead(this.#core(pid));
  }

  #core(tid: number): CoreEntry {
    return this.#image.cores.get(tid) ?? badImage(`no core of ${String(tid)}`);
  }

  #cores(tids: readonly number[]): Map<number, CoreEntry> {
    return new Map(tids.map((tid) => [tid, this.#core(tid)]));
  }
}

function liveLimits({ process }: Spec, donorPid: number): LiveLimits {
  return {
    ...limitsOfSpec(process),
    user: liveUser(readStatus(donorPid)),
    oomScoreAdj: process?.oomScoreAdj,
    hardLimits: readLimits(donorPid).map(({ hard }) => hard),
  };
}

/** The part of an image that speaks of files. */
function filesOf(image: CheckpointImage): FilesImage {
  return {
    files: image.files,
    fdinfo: image.fdinfo,
    tables: new Map([...image.ids].map(([pid, { files_id }]) => [pid, files_id])),
    fs: image.fs,
    pipeData: image.pipesData,
    fifoData: image.fifoData,
    packets: image.skQueues,
    remaps: image.remaps,
    ghosts: image.ghosts,
    memfds: image.memfds,
    locks: image.locks,
    ttys: image.ttys,
  };
}
