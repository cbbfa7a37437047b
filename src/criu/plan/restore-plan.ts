// SPDX-License-Identifier: Apache-2.0
import { EXTENDED_BYTES } from '../arch/index.js';
import type { NsPid, NsTid } from '../../common/ids.js';
import { SIGTRAP, SYS } from '../../native/abi/index.js';
import type { CoreEntry } from '../image/types.js';
import { partOf, type ValidImage } from '../image/validate.js';
import { rootOf } from '../image/validate-tasks.js';
import { checkHeritage } from '../memory/heritage.js';
import { MemoryPlan, type KernelArea } from '../memory/memory-plan.js';
import { arePaged } from '../memory/shared-contents.js';
import { haveStashes } from '../memory/stashes.js';
import { RING_PLACE, WORK } from './abi.js';
import { PlanBuilder, type Plan } from './builder.js';
import type { PlanData } from './values.js';
import type { Sequence } from './sequence.js';
import {
  AttributePlan,
  finalThreadState,
  type ExpectedThread,
  type FinalThreadState,
  type LiveLimits,
} from '../resources/attributes.js';
import { hasPendingStop } from '../resources/attributes/pending.js';
import { IpcPlan } from '../resources/ipc/plan.js';
import { FilePlan, ScratchNames, type StdioSlots } from '../resources/files/index.js';
import { buildTree, forkersOf, subtree, type Forest } from '../tree/process-tree.js';
import { exitSignalOf, signalsOfRestore } from '../tree/exit-signal.js';
import { planExec, type ExecPlan } from './exec-plan.js';
import { JOINED, JoinPlan, joinedIn, planRoot } from './join-plan.js';
import { givenTo, type Given } from './given.js';
import type { LiveFacts } from './live-facts.js';
import {
  aliveOf,
  attributesOf,
  coreOf,
  filesOf,
  ipcOf,
  lookOf,
  sparePid,
} from './parts-of-image.js';
import type { Barrier, Phase } from './phases.js';
import { StopPlan, type LateCall } from './stop-plan.js';
import { TreePlan } from './tree-plan.js';

const CLONE_NEWPID = 0x20000000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_FILES = 0x400;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
/** An operation of keyctl(2); without a name it creates a new keyring. */
const JOIN_SESSION_KEYRING = 1;
/** Phases at which threads other than leaders stand, too. */
const THREAD_PHASES: readonly Phase[] = ['confined', 'done'];

/** A checkpoint whose memory is in a VAS of this host. */
export interface PlacedImage {
  readonly image: ValidImage;
  /** Where the holder's own range begins. */
  readonly base: bigint;
  /** The kernel's VASes that its processes exec, by container pid; undefined if the holder has the memory. */
  readonly duplicates: ReadonlyMap<NsPid, number> | undefined;
}

/** A thread as its tracer has to leave it. */
export interface FinalThread {
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
  /** The signal with which job control is to stop its process. */
  readonly stopSignal: number | undefined;
  /** Whether SIGSTOP is pending for the thread, and for its process. */
  readonly stopsPending: { readonly own: boolean; readonly shared: boolean };
  /** How many ancestors its process has. */
  readonly depth: number;
  state(): FinalThreadState;
}

/** What one process does on its way to the next phase. */
type Step = (nsPid: NsPid, sequence: Sequence) => void;

/**
 * Plans the restore of a checkpoint into what is in place. Does no input or output, so that a
 * checkpoint can try whether its image can be restored.
 *
 * @throws ShimError `failedPrecondition` for anything beyond the live limits, `dataLoss` for an
 * image that no checkpoint would have written
 */
export function planRestore(image: PlacedImage, facts: LiveFacts): RestorePlan {
  return new RestorePlan(image, facts);
}

/**
 * The plan of a whole restore: a sequence of operations for every process and thread. All of them
 * stand still together at each of {@link PHASES}.
 */
export class RestorePlan {
  /** How many stand at which phase after `joined`, in order. */
  readonly barriers: readonly Barrier[];
  readonly finalThreads: readonly FinalThread[];
  /** What the new container permits. */
  readonly limits: LiveLimits;
  /** Set if the kernel has the memory. */
  readonly exec: ExecPlan | undefined;
  /** The descriptors that go along, in order; they fill the first slots. */
  readonly given: readonly Given[];
  readonly #builder: PlanBuilder;
  #finished: Plan | undefined;
  readonly #root: Sequence;
  /** What the helper outside does, if there is one. */
  readonly #outside: Sequence | undefined;
  readonly #forest: Forest;
  readonly #image: ValidImage;
  readonly #base: bigint;
  readonly #attributes: AttributePlan;
  readonly #files: FilePlan;
  readonly #ipc: IpcPlan;
  readonly #memory: MemoryPlan;
  readonly #stops: StopPlan;
  readonly #trapActions = new Map<NsPid, PlanData>();
  /** All processes but zombies. */
  readonly #alive: ValidImage['pstree'];
  /** Container tids by container pid. */
  readonly #threads: ReadonlyMap<NsPid, readonly NsTid[]>;

  /** See {@link planRestore}. */
  constructor({ image, base, duplicates }: PlacedImage, facts: LiveFacts) {
    [this.#image, this.#base] = [image, base];
    this.limits = facts.limits;
    this.#threads = new Map(image.pstree.map(({ pid, threads }) => [pid, threads]));
    const builder = new PlanBuilder(this.address);
    [this.#builder, this.#stops] = [builder, new StopPlan(builder, image)];
    const joined = joinedIn(facts).map((given) => ({ given, slot: builder.slot() }));
    const stdio = facts.stdio.map((isGiven) => (isGiven ? builder.slot() : null));
    this.exec = duplicates && planExec(builder, { image, base, duplicates });
    const held = facts.held && { ...facts.held, slot: builder.slot() };
    const predecessor = facts.predecessor && { ...facts.predecessor, slot: builder.slot() };
    const { memory, mapFiles, ...memoryUses } = memorySlots(builder, image, duplicates);
    this.#ipc = new IpcPlan(builder, partOf(image, ipcOf), facts.ipc);
    const uses = { execs: this.exec !== undefined, ...memoryUses };
    this.given = givenTo(facts, { ...uses, sysctls: this.#ipc.files });
    this.#root = builder.sequence(`pid ${String(rootOf(image))}`);
    this.#forest = forestOf(image, facts.takenIds);
    this.#outside = this.#forest.outside && builder.sequence('the parent of execs');
    this.#files = new FilePlan(builder, partOf(image, filesOf), {
      stdio: stdio as unknown as StdioSlots,
      hasConsole: facts.hasConsole,
      severed: facts.severed,
      held,
      sharesIpc: facts.ipc?.isOwn === false,
      ...{ root: rootOf(image), sparePid: sparePid(image, facts.takenIds) },
      mounts: facts.mounts,
      names: new ScratchNames(facts.secret),
      mostBuffer: facts.userNamespace?.mostBuffer,
      queuedEvents: facts.host.queuedEvents,
      ringPlace: base + RING_PLACE,
      look: lookOf(image),
      keepsRoot: (facts.limits.labels ?? []).length > 0,
    });
    this.#memory = new MemoryPlan({
      builder,
      base,
      image,
      kernelAreas: facts.kernelAreas,
      outside: new Set(this.#forest.outside && subtree(this.#forest.outside).map(({ pid }) => pid)),
      ...{ execs: this.exec !== undefined, hasKeys: facts.host.hasProtectionKeys, mapFiles },
      staged: (id) => this.#files.staged(id),
      mapsAnywhere: (id) => this.#files.mapsAnywhere(id),
      ringOf: (id) => this.#files.ringOf(id),
      stage: (what, path) => this.#files.planStaged(what, path),
      stageMemory: () => memory && this.#files.planKept('stage the memory of the root', memory),
    });
    this.#attributes = new AttributePlan({
      builder,
      image: partOf(image, attributesOf),
      restoreSignals: signalsOfRestore(image.cores.values()),
      limits: facts.limits,
      root: this.#files.stageBase,
      host: facts.host,
    });
    this.#alive = aliveOf(image);
    this.finalThreads = this.#alive.flatMap(({ pid, threads }) =>
      threads.map((tid) => this.#finalThread(pid, tid)),
    );
    this.barriers = this.#plan(new JoinPlan(builder, joined, predecessor), facts);
  }

  /** Where the plan will be mapped. */
  get address(): bigint {
    return this.#base + WORK.plan;
  }

  /** The offset at which PID 1 begins. */
  get entry(): number {
    return this.#root.offset;
  }

  /** The offset at which the helper outside of the pid namespace begins; undefined if none is needed. */
  get outsideEntry(): number | undefined {
    return this.#outside?.offset;
  }

  /**
   * Judges the files that are open once the first of {@link barriers} is reached; returns those
   * that have moved.
   */
  checkOpened(read: (offset: number, length: number) => Buffer): string[] {
    return this.#files.checkOpened(read);
  }

  /** Lays it out; repeated calls return the same. */
  finish(): Plan {
    this.#finished ??= this.#builder.finish();
    return this.#finished;
  }

  /** The entry of a thread in the image. */
  coreOf({ nsTid }: FinalThread): CoreEntry {
    return this.#core(nsTid);
  }

  /** The code that the kernel finally gives a process. */
  vdsoOf(nsPid: NsPid): KernelArea[] {
    const { unfinished = [] } = this.#image.memory.maps.get(nsPid) ?? {};
    const found = unfinished.filter(({ kind }) => kind === 'vdso');
    return found.map(({ start, end }) => ({ special: '[vdso]', start, end }));
  }

  /** What a thread should be like in the end. */
  expected({ nsPid, nsTid }: FinalThread): ExpectedThread {
    return this.#attributes.expected(nsPid, nsTid);
  }

  /** The last system calls of a process: after them, nothing of ours is left in it. */
  lastCalls(nsPid: NsPid): LateCall[] {
    const calls = this.#stops.calls(nsPid, this.address);
    const action: PlanData | undefined = this.#trapActions.get(nsPid);
    if (action) {
      const address = this.address + BigInt(action.offset);
      calls.push({ nr: SYS.rt_sigaction, args: [SIGTRAP, address, 0, 8] });
    }
    calls.push({ nr: SYS.munmap, args: [this.#base, WORK.size] });
    return calls;
  }

  /** All sequences, from the first phase to the last. */
  #plan(join: JoinPlan, facts: LiveFacts): Barrier[] {
    const root = this.#root;
    join.plan(root);
    if (facts.userNamespace) planRoot(root);
    stopAt('joined', root);
    root.syscall('make a session', SYS.setsid, []);
    this.#planKeyring(root);
    this.#attributes.planInherited(root);
    this.#files.planOpen(root);
    this.#ipc.planObjects(root, (what, slot) => this.#files.planKept(what, slot));
    this.#memory.planShared(root);
    if (this.#outside) this.#planOutside(facts, this.#outside);
    const tree = this.#planTree();
    const phases = this.#processPhases();
    for (const { pid } of this.#alive) {
      const sequence = tree.sequence(pid);
      for (const { phase, steps } of phases) {
        for (const step of steps) step(pid, sequence);
        stopAt(phase, sequence);
      }
    }
    const [all, alive] = [this.finalThreads.length, this.#alive.length];
    const standing = (phase: Phase): number => (THREAD_PHASES.includes(phase) ? all : alive);
    return [...tree.barriers, ...phases.map(({ phase }) => ({ phase, standing: standing(phase) }))];
  }

  /**
   * What the helper outside does before it forks: once PID 1 has everything that all processes have in common, it
   * takes that over and joins the namespaces.
   */
  #planOutside({ initPid, userNamespace }: LiveFacts, sequence: Sequence): void {
    const root = this.#root;
    const gate = this.#builder.reserve(8);
    root.poke('let execs begin', gate, 1);
    root.syscall('let execs begin', SYS.futex, [gate, FUTEX_WAKE, 1]);
    // Whom execs signal that are in no session of their own: nobody but each other.
    sequence.syscall('leave the session of the keeper', SYS.setsid, []);
    const wait = [gate, FUTEX_WAIT, 0, null];
    sequence.syscall('wait for PID 1', SYS.futex, wait, { tolerate: true });
    const pidfd = this.#builder.slot();
    sequence.syscall('find PID 1', SYS.pidfd_open, [initPid, 0], { store: pidfd });
    const flags = JOINED | CLONE_NEWPID | (userNamespace ? CLONE_NEWUSER : 0);
    sequence.syscall('join the namespaces of PID 1', SYS.setns, [pidfd, flags]);
    if (userNamespace) planRoot(sequence);
    this.#planKeyring(sequence);
    this.#attributes.planInherited(sequence);
    this.#files.planTaking(pidfd, sequence);
    this.#memory.planSharedOutside(sequence);
  }

  /** What every process does once the tree stands: its steps to each phase, in order. */
  #processPhases(): { readonly phase: Phase; readonly steps: readonly Step[] }[] {
    const [files, memory, attributes] = [this.#files, this.#memory, this.#attributes];
    const ipc = this.#ipc;
    const place: Step[] = [
      (pid, sequence) => {
        files.planForeground(pid, sequence);
      },
      (pid, sequence) => {
        files.planPlace(pid, sequence);
      },
      (pid, sequence) => {
        memory.planPlace(pid, sequence);
      },
      (pid, sequence) => {
        ipc.planAdjustments(pid, sequence);
      },
      (pid, sequence) => {
        attributes.planProcess(pid, sequence);
      },
      (pid, sequence) => {
        files.planFs(pid, sequence);
      },
    ];
    const confine: Step[] = [
      (pid, sequence) => {
        if (pid !== this.#forest.root.pid) return;
        ipc.planFinal(sequence);
        memory.planRead(sequence);
      },
      (pid, sequence) => {
        files.planRelease(pid, sequence);
      },
      (pid, sequence) => {
        memory.planFinish(pid, sequence);
      },
      (pid, sequence) => {
        this.#planThreads(pid, sequence);
      },
      (pid, sequence) => {
        attributes.planThread(pid, pid, sequence);
      },
    ];
    const finish: Step[] = [
      (pid, sequence) => {
        files.planAfterDrop(pid, sequence);
      },
      (pid, sequence) => {
        attributes.planLate(pid, sequence);
      },
      (pid) => {
        this.#noteTrapAction(pid);
      },
    ];
    return [
      ...(this.exec ? [{ phase: 'duplicated', steps: [] } as const] : []),
      { phase: 'placed', steps: place },
      { phase: 'confined', steps: confine },
      { phase: 'done', steps: finish },
    ];
  }

  /** Threads other than the leader, which begin here with its personality, and what each has to do for files. */
  #planThreads(pid: NsPid, sequence: Sequence): void {
    this.#attributes.planPersonality(pid, sequence);
    for (const tid of (this.#threads.get(pid) ?? []).filter((one) => one !== pid)) {
      const thread = this.#builder.sequence(`pid ${String(pid)} tid ${String(tid)}`);
      sequence.thread(`make thread ${String(tid)}`, tid, thread, this.#builder.stackEnd());
      this.#files.planThread(pid, tid, thread);
      this.#attributes.planThread(pid, tid, thread);
      for (const phase of THREAD_PHASES) stopAt(phase, thread);
    }
    this.#files.planThread(pid, pid, sequence);
  }

  #noteTrapAction(pid: NsPid): void {
    const action = this.#attributes.trapAction(pid);
    if (action) this.#trapActions.set(pid, action);
  }

  /**
   * A session keyring of the container's own, as runc gives one: without it, the keyring would be
   * that of the engine's user, with all its keys. Kernels without keyrings have none to give and
   * none to protect; an exhausted quota is not a reason to fail either.
   */
  #planKeyring(sequence: Sequence): void {
    const args = [JOIN_SESSION_KEYRING, 0];
    sequence.syscall('join a session keyring', SYS.keyctl, args, { tolerate: true });
  }

  #planTree(): TreePlan {
    const alive = new Set(this.#alive.map(({ pid }) => pid));
    const parents = new Map(this.#image.pstree.map(({ pid, ppid }) => [pid, ppid]));
    const forest = this.#forest;
    checkHeritage(this.#image.memory.maps, forkersOf(forest));
    const shares = (pid: NsPid): boolean => {
      const parent = parents.get(pid);
      if (!alive.has(pid) || parent === undefined || !alive.has(parent)) return false;
      return this.#files.tableOwner(pid) === this.#files.tableOwner(parent);
    };
    return new TreePlan(
      {
        builder: this.#builder,
        memory: this.#memory,
        forest,
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
      { root: this.#root, outside: this.#outside },
    );
  }

  #finalThread(nsPid: NsPid, nsTid: NsTid): FinalThread {
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
      state: () => finalThreadState(core, EXTENDED_BYTES),
    };
  }

  #core(tid: NsTid): CoreEntry {
    return coreOf(this.#image, tid);
  }
}

/** What forks the processes of a checkpoint; `others`: ids that helpers do not get. */
export function forestOf(image: ValidImage, others?: LiveFacts['takenIds']): Forest {
  const alive = new Set(aliveOf(image).map(({ pid }) => pid));
  const processes = image.pstree.map((entry) => ({
    ...entry,
    isZombie: !alive.has(entry.pid),
    name: coreOf(image, entry.pid).tc?.comm ?? '',
  }));
  const own = image.pstree.flatMap(({ threads }) => threads);
  return buildTree(processes, new Set([...own, ...(others ?? [])]));
}

function stopAt(phase: Phase, sequence: Sequence): void {
  sequence.stop(phase);
}

/** The slots of what memory is made with, and what for; each only where it is needed. */
function memorySlots(builder: PlanBuilder, { memory }: ValidImage, duplicates: unknown) {
  const [reads, fills] = [haveStashes(memory, duplicates), arePaged(memory.shared)];
  return {
    ...{ reads, memory: reads ? builder.slot() : undefined },
    ...{ fills, mapFiles: fills ? builder.slot() : undefined },
  };
}
