// SPDX-License-Identifier: Apache-2.0
import { INIT, type NsPid } from '../../common/ids.js';
import { PR, SYS } from '../../native/abi/index.js';
import type { MemoryPlan } from '../memory/memory-plan.js';
import type { Branch } from '../memory/branches.js';
import { planDeath } from './death.js';
import type { PlanBuilder } from './builder.js';
import type { PlanData } from './values.js';
import type { ForkOptions, Sequence } from './sequence.js';
import type { Barrier, Phase } from './phases.js';
import {
  isForkedBeforeSession,
  nodesOf,
  OUTSIDE,
  type Forest,
  type TreeNode,
} from '../tree/process-tree.js';

const WALL = 0x40000000;
const P_PID = 1;
/** WEXITED | WNOWAIT: waits for the end without reaping, whatever signal reports it. */
const PEEK = 0x4 | 0x01000000 | WALL;
const SIGINFO_SIZE = 128;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const NOTHING = { exitCode: 0, comm: '' };
/** The child gets the parent of the process that forks it, and its exit signal. */
const CLONE_PARENT = 0x8000;

/** What the plan of the tree is made from. */
export interface TreePlanOptions {
  readonly builder: PlanBuilder;
  readonly memory: MemoryPlan;
  readonly forest: Forest;
  /** What a process does once it has made its session, before it forks members of it. */
  readonly onSession: (pid: NsPid, sequence: Sequence) => void;
  /** How a process is forked (shared descriptor table, exit signal). */
  readonly forkOptions: (pid: NsPid) => ForkOptions;
  /** What is left of a zombie: its wait status, and its name. */
  readonly dead: (pid: NsPid) => { readonly exitCode: number; readonly comm: string };
}

/** The sequences that fork the tree. */
export interface Forkers {
  /** Of the container's init. */
  readonly root: Sequence;
  /** Of the helper outside, if there is one. */
  readonly outside: Sequence | undefined;
}

/**
 * Plans the forking of the tree, its sessions and groups; its root has made its session before. What came by exec is
 * forked from outside of the namespace, and left to the parent of the process that does so. Every
 * node stops twice: when all nodes are forked and all group leaders are in place, and when all
 * members have joined. It stops once more if leaders have to leave their groups. Then helpers and
 * zombies end.
 */
export class TreePlan {
  readonly #options: TreePlanOptions;
  readonly #sequences = new Map<NsPid, Sequence>();
  /** What memory each node inherits. */
  readonly #branches = new Map<NsPid, Branch>();
  /** Words that a parent sets when a child that has children may go on. */
  readonly #gates = new Map<NsPid, PlanData>();
  /** How many processes stand at each of its phases. */
  readonly barriers: readonly Barrier[];
  readonly #groupsAreLeft: boolean;
  /** Zombies that helpers fork, and that PID 1 inherits. */
  readonly #orphans: readonly TreeNode[];

  constructor(options: TreePlanOptions, { root, outside }: Forkers) {
    this.#options = options;
    const rootPid = options.forest.root.pid;
    this.#sequences.set(rootPid, root);
    if (outside) this.#sequences.set(OUTSIDE, outside);
    const nodes = nodesOf(options.forest);
    this.#groupsAreLeft = nodes.some((node) => node.leavesGroup);
    this.#orphans = nodes.filter(hasGone).flatMap((node) => node.children.filter(isZombie));
    this.barriers = this.#barriersFor(nodes);
    for (const node of nodes) {
      if (this.#sequences.has(node.pid)) continue;
      const name =
        node.kind === 'process' ? `pid ${String(node.pid)}` : `${node.kind} ${String(node.pid)}`;
      this.#sequences.set(node.pid, options.builder.sequence(name));
    }
    for (const node of [...nodes].reverse()) {
      const below = node.children.map((child) => this.#branch(child));
      const pid = node.kind === 'process' ? node.pid : 0;
      const branch = options.memory.branch(pid, below);
      this.#branches.set(node.pid, branch);
      const isBetween = node.pid !== rootPid && node.pid !== OUTSIDE;
      if (isBetween && node.children.length > 0 && branch.length > 0)
        this.#gates.set(node.pid, options.builder.reserve(8));
    }
    this.#planParting(options.forest);
    for (const node of nodes) this.#planNode(node);
  }

  #barriersFor(nodes: readonly TreeNode[]): Barrier[] {
    const all = nodes.length;
    const alive = nodes.filter(({ kind }) => kind === 'process').length;
    const at = (phase: Phase, standing: number): Barrier => ({ phase, standing });
    return [
      at('forked', all),
      at('grouped', all),
      ...(this.#groupsAreLeft ? [at('left', all)] : []),
      ...(this.#orphans.length > 0 ? [at('orphaned', alive)] : []),
    ];
  }

  /** Where a process goes on when the tree stands. */
  sequence(pid: NsPid): Sequence {
    const sequence = this.#sequences.get(pid);
    if (!sequence) throw new Error(`no sequence of pid ${String(pid)}`);
    return sequence;
  }

  /** PID 1 and the helper outside are forks of the same holder: neither needs what waits for the other's. */
  #planParting({ root, outside }: Forest): void {
    if (!outside) return;
    const { memory } = this.#options;
    memory.planForked(this.#branch(outside), this.sequence(root.pid));
    memory.planForked(this.#branch(root), this.sequence(outside.pid));
  }

  #planNode(node: TreeNode): void {
    const sequence = this.sequence(node.pid);
    if (node.kind === 'process' && node.pid !== INIT) {
      this.#options.memory.planForkable(node.pid, sequence);
    }
    this.#planForks(node, sequence);
    const { pid, pgid, sid, leavesGroup } = node;
    if (leavesGroup || (pgid === pid && sid !== pid)) {
      sequence.syscall('lead a process group', SYS.setpgid, [0, 0]);
    }
    sequence.stop('forked');
    if (!leavesGroup) planGroup(node, sequence);
    sequence.stop('grouped');
    if (leavesGroup) planGroup(node, sequence);
    if (this.#groupsAreLeft) sequence.stop('left');
    if (node.kind === 'process') this.#planWaits(node, sequence);
    else this.#planEnd(node, sequence);
  }

  #planForks(node: TreeNode, sequence: Sequence): void {
    const { memory, onSession } = this.#options;
    const { pid, sid, kind, children } = node;
    if (children.length > 0) this.#planBeforeForks(node, sequence);
    const isEarly = (child: TreeNode): boolean => isForkedBeforeSession(node, child);
    const [early, late] = [children.filter(isEarly), children.filter((child) => !isEarly(child))];
    early.forEach((child, index) => {
      this.#planFork(node, { child, before: early[index - 1] }, sequence);
    });
    if (sid === pid && node !== this.#options.forest.root && pid !== OUTSIDE) {
      sequence.syscall('make a session', SYS.setsid, []);
      if (kind === 'process') onSession(pid, sequence);
    }
    late.forEach((child, index) => {
      this.#planFork(node, { child, before: late[index - 1] ?? early.at(-1) }, sequence);
    });
    if (children.length > 0) memory.planAfterForks(pid, sequence);
  }

  /**
   * With an only child, everything below goes along. A process that has children waits until its
   * own parent has dropped what it took along: each level of forks that share a page makes the next
   * level more expensive (anon_vma_clone in mm/rmap.c).
   */
  #planBeforeForks({ pid, children }: TreeNode, sequence: Sequence): void {
    const { memory } = this.#options;
    const gate = this.#gates.get(pid);
    if (gate) {
      const args = [gate, FUTEX_WAIT, 0, null];
      sequence.syscall('wait for the parent', SYS.futex, args, { tolerate: true });
    }
    const below = children.length > 1 ? children.map((child) => this.#branch(child)) : [];
    memory.planBeforeForks(pid, memory.branch(0, below), sequence);
  }

  #planFork(parent: TreeNode, { child, before }: Birth, sequence: Sequence): void {
    const { memory, forkOptions } = this.#options;
    const branch = this.#branch(child);
    if (parent.children.length > 1) memory.planFork(branch, sequence);
    memory.planBequest(heirs(child), before ? heirs(before) : [], sequence);
    const ownOptions = child.kind === 'helper' ? {} : forkOptions(child.pid);
    const options = parent.pid === OUTSIDE ? { flags: CLONE_PARENT, exitSignal: 0 } : ownOptions;
    const { pid } = child;
    const stackEnd = this.#options.builder.stackEnd();
    const forked = { pid, sequence: this.sequence(pid), stackEnd, ...options };
    sequence.fork(`fork pid ${String(pid)}`, forked);
    memory.planForked(branch, sequence);
    const gate = this.#gates.get(child.pid);
    if (!gate) return;
    sequence.poke('let the child go on', gate, 1);
    sequence.syscall('let the child go on', SYS.futex, [gate, FUTEX_WAKE, 1]);
  }

  #branch({ pid }: TreeNode): Branch {
    return this.#branches.get(pid) ?? [];
  }

  /** Helpers are reaped by the process that forked them; zombies are waited for, and left. */
  #planWaits(node: TreeNode, sequence: Sequence): void {
    planReaps(node, sequence);
    for (const child of node.children.filter(isZombie)) this.#planPeek(child, sequence);
    if (this.#orphans.length === 0) return;
    sequence.stop('orphaned');
    if (node !== this.#options.forest.root) return;
    for (const orphan of this.#orphans) this.#planPeek(orphan, sequence);
  }

  #planPeek({ pid }: TreeNode, sequence: Sequence): void {
    const info = this.#options.builder.reserve(SIGINFO_SIZE);
    const what = `wait for zombie ${String(pid)}`;
    sequence.syscall(what, SYS.waitid, [P_PID, pid, info, PEEK, 0]);
  }

  #planEnd(node: TreeNode, sequence: Sequence): void {
    planReaps(node, sequence);
    const { builder, dead } = this.#options;
    const { exitCode: status, comm } = node.kind === 'zombie' ? dead(node.pid) : NOTHING;
    if (comm !== '') {
      sequence.syscall('set the name', SYS.prctl, [PR.setName, builder.string(comm)]);
    }
    planDeath(builder, sequence, { pid: node.pid, status });
  }
}

/** A child that is forked, and the one forked right before it. */
interface Birth {
  readonly child: TreeNode;
  readonly before: TreeNode | undefined;
}

function planGroup({ pid, pgid }: TreeNode, sequence: Sequence): void {
  if (pgid === pid || pgid === OUTSIDE) return;
  sequence.syscall(`join process group ${String(pgid)}`, SYS.setpgid, [0, pgid]);
}

function planReaps({ children }: TreeNode, sequence: Sequence): void {
  for (const { pid } of children.filter(({ kind }) => kind === 'helper')) {
    sequence.syscall(`wait for helper ${String(pid)}`, SYS.wait4, [pid, 0, WALL, 0]);
  }
}

function hasGone({ kind }: TreeNode): boolean {
  return kind !== 'process';
}

function isZombie({ kind }: TreeNode): boolean {
  return kind === 'zombie';
}

/** The processes of one fork that no other of them forks. */
function heirs(node: TreeNode): NsPid[] {
  return node.kind === 'process' ? [node.pid] : node.children.flatMap(heirs);
}
