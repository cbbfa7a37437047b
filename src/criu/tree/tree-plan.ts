// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../native/sys.js';
import type { MemoryPlan } from '../memory/memory-plan.js';
import type { ForkOptions, PlanBuilder, Sequence } from '../plan/builder.js';
import { isForkedBeforeSession, subtree, type TreeNode } from './process-tree.js';

const INIT = 1;
const WALL = 0x40000000;
const P_PID = 1;
/** WEXITED | WNOWAIT: waits for the end without reaping, whatever signal tells of it. */
const PEEK = 0x4 | 0x01000000 | WALL;
const SIGINFO_SIZE = 128;
const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const RLIMIT_CORE = 4;
const NOTHING = { exitCode: 0, comm: '' };

/** What the plan of the tree is made from. */
export interface TreePlanOptions {
  readonly builder: PlanBuilder;
  readonly memory: MemoryPlan;
  readonly root: TreeNode;
  /** What a process does once it has made its session, before it forks members of it. */
  readonly onSession: (pid: number, sequence: Sequence) => void;
  /** How a process is forked (shared descriptor table, exit signal). */
  readonly forkOptions: (pid: number) => ForkOptions;
  /** What is left of a zombie: its wait status, and its name. */
  readonly dead: (pid: number) => { readonly exitCode: number; readonly comm: string };
}

/**
 * Plans the forking of the tree, its sessions and groups; PID 1 has made its session before. Every node stops twice: when all are forked
 * and all group leaders are in place, and when all members have joined. Then helpers and zombies end.
 */
export class TreePlan {
  readonly #options: TreePlanOptions;
  readonly #sequences = new Map<number, Sequence>();

  constructor(options: TreePlanOptions, rootSequence: Sequence) {
    this.#options = options;
    this.#sequences.set(INIT, rootSequence);
    for (const node of subtree(options.root)) {
      if (node.pid === INIT) continue;
      const name =
        node.kind === 'process' ? `pid ${String(node.pid)}` : `${node.kind} ${String(node.pid)}`;
      this.#sequences.set(node.pid, options.builder.sequence(name));
    }
    this.#planNode(options.root);
  }

  /** Where a process goes on when the tree stands. */
  sequence(pid: number): Sequence {
    const sequence = this.#sequences.get(pid);
    if (!sequence) throw new Error(`no sequence of pid ${String(pid)}`);
    return sequence;
  }

  /** How many processes stand at each of the two stops. */
  get size(): number {
    return this.#sequences.size;
  }

  #planNode(node: TreeNode): void {
    const sequence = this.sequence(node.pid);
    this.#planForks(node, sequence);
    if (node.pgid === node.pid && node.sid !== node.pid) {
      sequence.syscall('lead a process group', SYS.setpgid, [0, 0]);
    }
    sequence.stop('all forked');
    if (node.pgid !== node.pid) {
      const what = `join process group ${String(node.pgid)}`;
      sequence.syscall(what, SYS.setpgid, [0, node.pgid]);
    }
    sequence.stop('all grouped');
    if (node.kind === 'process') this.#planWaits(node, sequence);
    else this.#planEnd(node, sequence);
  }

  #planForks(node: TreeNode, sequence: Sequence): void {
    const { memory } = this.#options;
    const hasChildren = node.children.length > 0;
    const descendants = processes(node).filter((pid) => pid !== node.pid);
    if (hasChildren) memory.planBeforeForks(node.pid, descendants, sequence);
    const early = node.children.filter((child) => isForkedBeforeSession(node, child));
    for (const child of early) this.#planFork(child, sequence);
    if (node.sid === node.pid && node.pid !== INIT) {
      sequence.syscall('make a session', SYS.setsid, []);
      if (node.kind === 'process') this.#options.onSession(node.pid, sequence);
    }
    for (const child of node.children) if (!early.includes(child)) this.#planFork(child, sequence);
    if (hasChildren) memory.planAfterForks(node.pid, sequence);
  }

  #planFork(child: TreeNode, sequence: Sequence): void {
    const { memory, forkOptions } = this.#options;
    const pids = processes(child);
    memory.planFork(pids, sequence);
    const options = child.kind === 'helper' ? {} : forkOptions(child.pid);
    sequence.fork(`fork pid ${String(child.pid)}`, child.pid, this.sequence(child.pid), options);
    memory.planForked(pids, sequence);
    this.#planNode(child);
  }

  /** Helpers are reaped by who forked them, or by PID 1; zombies are waited for, and left. */
  #planWaits(node: TreeNode, sequence: Sequence): void {
    const inherited = node.pid === INIT ? this.#orphanZombies() : [];
    for (const child of [...node.children, ...inherited]) {
      const what = `wait for ${child.kind} ${String(child.pid)}`;
      if (child.kind === 'helper') sequence.syscall(what, SYS.wait4, [child.pid, 0, WALL, 0]);
      if (child.kind === 'zombie') {
        const info = this.#options.builder.reserve(SIGINFO_SIZE);
        sequence.syscall(what, SYS.waitid, [P_PID, child.pid, info, PEEK, 0]);
      }
    }
  }

  /** Zombies that a helper forked. */
  #orphanZombies(): TreeNode[] {
    return subtree(this.#options.root)
      .filter((node) => node.kind !== 'process')
      .flatMap((node) => node.children.filter((child) => child.kind === 'zombie'));
  }

  #planEnd(node: TreeNode, sequence: Sequence): void {
    const { builder, dead } = this.#options;
    const { exitCode: status, comm } = node.kind === 'zombie' ? dead(node.pid) : NOTHING;
    if (comm !== '') {
      sequence.syscall('set the name', SYS.prctl, [PR_SET_NAME, builder.string(comm)]);
    }
    const signal = status & 0x7f;
    if (signal !== 0) {
      const data = builder.reserve(8);
      // Whatever core it left lies there since. Programs that take cores do not ask for the limit.
      const limit = builder.reserve(16);
      sequence.syscall('leave no core', SYS.prlimit64, [0, RLIMIT_CORE, limit, 0]);
      sequence.syscall('leave no core', SYS.prctl, [PR_SET_DUMPABLE, 0, 0, 0, 0]);
      sequence.syscall('die as before', SYS.kill, [node.pid, signal], { tolerate: true });
      sequence.syscall('let the signal in', SYS.rt_sigprocmask, [2, data, 0, 8], {
        tolerate: true,
      });
    }
    sequence.syscall('exit', SYS.exit_group, [(status >> 8) & 0xff]);
  }
}

function processes(node: TreeNode): number[] {
  return subtree(node)
    .filter((one) => one.kind === 'process')
    .map((one) => one.pid);
}
