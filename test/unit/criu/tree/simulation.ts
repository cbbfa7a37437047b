// SPDX-License-Identifier: Apache-2.0
import type { MemoryPlan } from '../../../../src/criu/memory/memory-plan.js';
import { OP_CODE } from '../../../../src/criu/plan/abi.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import type { Sequence } from '../../../../src/criu/plan/sequence.js';
import type { Forest, TreeProcess } from '../../../../src/criu/tree/process-tree.js';
import { TreePlan } from '../../../../src/criu/plan/tree-plan.js';
import { SYS } from '../../../../src/native/sys.js';

const INIT = 1;
/** What is outside of the namespace. */
const OUTSIDE = 0;

/** A process as the kernel has it, as far as fork(2), setsid(2), setpgid(2), wait(2) and exit(2) matter. */
export interface Simulated {
  readonly pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  isZombie: boolean;
}

/** A pid namespace. Every method is a system call; one that fails throws. */
export class Kernel {
  readonly processes = new Map<number, Simulated>([
    [INIT, { pid: INIT, ppid: 0, pgid: INIT, sid: INIT, isZombie: false }],
  ]);

  get(pid: number): Simulated {
    const found = this.processes.get(pid);
    if (!found) throw new Error(`no process ${String(pid)}`);
    return found;
  }

  get all(): Simulated[] {
    return [...this.processes.values()].filter(({ pid }) => pid !== OUTSIDE);
  }

  /** Whether a number is that of a process, a group or a session. */
  isTaken(id: number): boolean {
    return this.all.some(({ pid, pgid, sid }) => [pid, pgid, sid].includes(id));
  }

  fork(parent: number, pid: number): void {
    if (this.processes.has(pid)) throw new Error(`fork: ${String(pid)} is there`);
    const { pgid, sid } = this.get(parent);
    this.processes.set(pid, { pid, ppid: parent, pgid, sid, isZombie: false });
  }

  /** A process comes from outside: by runc it leads a session, by crun it is in that of crun. */
  exec(pid: number, runtime: 'runc' | 'crun'): void {
    if (this.processes.has(pid)) throw new Error(`exec: ${String(pid)} is there`);
    const id = runtime === 'runc' ? pid : OUTSIDE;
    this.processes.set(pid, { pid, ppid: OUTSIDE, pgid: id, sid: id, isZombie: false });
  }

  setsid(pid: number): void {
    if (this.all.some(({ pgid }) => pgid === pid))
      throw new Error(`setsid of ${String(pid)}: EPERM`);
    Object.assign(this.get(pid), { pgid: pid, sid: pid });
  }

  setpgid(pid: number, pgid: number): void {
    const own = this.get(pid);
    const exists = this.all.some((one) => one.pgid === pgid && one.sid === own.sid);
    if (own.sid === pid || (pgid !== pid && !exists)) {
      throw new Error(`setpgid of ${String(pid)} to ${String(pgid)}: EPERM`);
    }
    own.pgid = pgid;
  }

  exit(pid: number): void {
    this.get(pid).isZombie = true;
    if (pid === OUTSIDE) return; // Its children are those of its parent.
    if (this.get(pid).ppid === OUTSIDE) this.processes.delete(pid); // Reaped at once.
    for (const child of this.all) if (child.ppid === pid) child.ppid = INIT;
  }

  /** Whether the child has exited; without such a child it fails. */
  wait(parent: number, pid: number, reaps: boolean): boolean {
    const child = this.get(pid);
    if (child.ppid !== parent) throw new Error(`wait for ${String(pid)}: ECHILD`);
    if (child.isZombie && reaps) this.processes.delete(pid);
    return child.isZombie;
  }
}

/** Plans a tree, and executes the plan; throws where a system call would fail, or no process can proceed. */
export function simulate(forest: Forest, processes: readonly TreeProcess[]): Kernel {
  const builder = new PlanBuilder();
  const root = builder.sequence('pid 1');
  const outside = forest.outside && builder.sequence('outside');
  const nothing = () => undefined;
  const memory = {
    branch: () => [],
    planBeforeForks: nothing,
    planForkable: nothing,
    planBequest: nothing,
    planFork: nothing,
    planForked: nothing,
    planAfterForks: nothing,
  } as unknown as MemoryPlan;
  const plan = new TreePlan(
    {
      builder,
      memory,
      forest,
      onSession: nothing,
      forkOptions: () => ({}),
      dead: () => ({ exitCode: 0, comm: '' }),
    },
    { root, outside },
  );
  const execution = new Execution(root, outside);
  for (const { standing } of plan.barriers) execution.runToBarrier(standing);
  execution.runToBarrier(processes.filter(({ isZombie }) => !isZombie).length);
  return execution.kernel;
}

class Execution {
  readonly kernel = new Kernel();
  readonly #running = new Map<number, { readonly sequence: Sequence; at: number }>();
  readonly #standing = new Set<number>();

  constructor(root: Sequence, outside: Sequence | undefined) {
    this.#running.set(INIT, { sequence: root, at: 0 });
    if (!outside) return;
    const nobody = { pid: OUTSIDE, ppid: -1, pgid: OUTSIDE, sid: OUTSIDE, isZombie: false };
    this.kernel.processes.set(OUTSIDE, nobody);
    this.#running.set(OUTSIDE, { sequence: outside, at: 0 });
  }

  /** Runs all until they stand, or have ended. */
  runToBarrier(expected: number): void {
    this.#standing.clear();
    for (let isProgress = true; isProgress;) {
      isProgress = false;
      // The youngest comes first, so that parents have no advantage that the kernel does not give.
      for (const pid of [...this.#running.keys()].reverse()) {
        while (this.#running.has(pid) && !this.#standing.has(pid) && this.#step(pid)) {
          isProgress = true;
        }
      }
    }
    if (this.#standing.size !== expected || this.#running.size !== expected) {
      const stand = `${String(this.#standing.size)} of ${String(this.#running.size)} stand`;
      throw new Error(`${stand}, not ${String(expected)}`);
    }
  }

  /** Executes one operation; false if the process has to wait. */
  #step(pid: number): boolean {
    const state = this.#running.get(pid);
    const operation = state?.sequence.operations[state.at];
    if (!state || !operation || operation.code === OP_CODE.stop) {
      if (state && operation) state.at += 1;
      this.#standing.add(pid);
      return true;
    }
    const { code, nr, args } = operation;
    if (code === OP_CODE.fork) {
      this.kernel.fork(pid, Number(args[0]));
      this.#running.set(Number(args[0]), { sequence: args[1] as Sequence, at: 0 });
    } else if (!this.#call(pid, nr, args as readonly number[])) {
      return false;
    }
    state.at += 1;
    return true;
  }

  #call(pid: number, nr: number, [first = 0, second = 0]: readonly number[]): boolean {
    if (nr === SYS.setsid) this.kernel.setsid(pid);
    if (nr === SYS.setpgid) this.kernel.setpgid(pid, second === 0 ? pid : second);
    if (nr === SYS.wait4) return this.kernel.wait(pid, first, true);
    if (nr === SYS.waitid) return this.kernel.wait(pid, second, false);
    if (nr === SYS.exit_group) {
      this.kernel.exit(pid);
      this.#running.delete(pid);
    }
    return true;
  }
}
