// SPDX-License-Identifier: Apache-2.0
import { badImage, ShimError } from '../../common/errors.js';

/** A process as far as the tree is concerned; ids are the container's. */
export interface TreeProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly isZombie: boolean;
}

/**
 * A process to be forked at restore. Helpers stand in for leaders of sessions and groups that have
 * gone: they make the session or group, and exit when its members are in.
 */
export interface TreeNode {
  readonly pid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly kind: 'process' | 'zombie' | 'helper';
  /** Who forks it. Members of a gone leader's session are forked by its helper, and inherited by PID 1. */
  readonly children: TreeNode[];
}

const INIT = 1;

/**
 * Plans who forks whom.
 *
 * @param firstFreePid pids from here on are neither a process's nor a thread's
 * @throws ShimError `failedPrecondition` for a tree that fork(2), setsid(2) and setpgid(2) cannot make
 */
export function buildTree(processes: readonly TreeProcess[], firstFreePid: number): TreeNode {
  const free = { next: firstFreePid };
  const nodes = new Map<number, TreeNode>();
  for (const { pid, pgid, sid, isZombie } of processes) {
    nodes.set(pid, { pid, pgid, sid, kind: isZombie ? 'zombie' : 'process', children: [] });
  }
  const root = nodes.get(INIT) ?? badImage('no process 1');
  if (root.sid !== INIT) {
    const why = `its session (${String(root.sid)}) was made outside of the container`;
    throw new ShimError('failedPrecondition', `pid 1: ${why}, which is not supported`);
  }
  for (const process of processes) {
    if (process.pid === INIT) continue;
    const node = nodes.get(process.pid) ?? badImage('a process twice');
    parentOf(process, { nodes, root, free }).children.push(node);
  }
  addGroupHelpers(nodes);
  if (countNodes(root) !== nodes.size) badImage('processes that do not descend from process 1');
  return root;
}

interface Planting {
  readonly nodes: Map<number, TreeNode>;
  readonly root: TreeNode;
  readonly free: { next: number };
}

function parentOf(process: TreeProcess, { nodes, root, free }: Planting): TreeNode {
  const parent = nodes.get(process.ppid);
  if (parent?.kind !== 'process') badImage(`pid ${String(process.pid)} has no parent`);
  const isOwnSession = process.sid === process.pid;
  if (isOwnSession || process.sid === parent.sid) return parent;
  // Forked before its parent made a session of its own: from the session of the parent's parent.
  const leader = nodes.get(process.sid);
  if (parent.sid === parent.pid && parent !== root && leader?.kind === 'process') {
    return parent;
  }
  if (process.ppid !== INIT) {
    const why = `is in session ${String(process.sid)}, which its parent cannot have been in`;
    throw new ShimError('failedPrecondition', `pid ${String(process.pid)} ${why}: not supported`);
  }
  if (!leader) return addHelper({ pid: process.sid, sid: process.sid }, nodes, root);
  // A living leader's descendant that PID 1 inherited: somebody between them has gone.
  return leader.kind === 'process'
    ? addHelper({ pid: free.next++, sid: leader.sid }, nodes, leader)
    : leader;
}

function addHelper(
  { pid, sid }: { readonly pid: number; readonly sid: number },
  nodes: Map<number, TreeNode>,
  parent: TreeNode,
): TreeNode {
  const helper: TreeNode = { pid, pgid: pid, sid, kind: 'helper', children: [] };
  nodes.set(pid, helper);
  parent.children.push(helper);
  return helper;
}

function addGroupHelpers(nodes: Map<number, TreeNode>): void {
  for (const node of [...nodes.values()]) {
    if (nodes.has(node.pgid)) continue;
    // Any living process of the session can fork it.
    const parent = [...nodes.values()].find(
      (one) => one.sid === node.sid && one.kind === 'process',
    );
    if (!parent) badImage(`process group ${String(node.pgid)} has no living member`);
    addHelper({ pid: node.pgid, sid: node.sid }, nodes, parent);
  }
}

/** All nodes of a subtree, itself first. */
export function subtree(node: TreeNode): TreeNode[] {
  return [node, ...node.children.flatMap(subtree)];
}

function countNodes(node: TreeNode): number {
  return subtree(node).length;
}

/** Whether the children that a process forks before it makes its session include this one. */
export function isForkedBeforeSession(node: TreeNode, child: TreeNode): boolean {
  return node.sid === node.pid && child.sid !== node.sid && child.sid !== child.pid;
}
