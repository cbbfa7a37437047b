// SPDX-License-Identifier: Apache-2.0
import { asNsPid, INIT, type NsPid, type NsTid } from '../../common/ids.js';
import { badImage, ShimError } from '../../common/errors.js';

/** A process as far as the tree is concerned, with its container ids. */
export interface TreeProcess {
  readonly pid: NsPid;
  readonly ppid: NsPid;
  readonly pgid: NsPid;
  readonly sid: NsPid;
  readonly isZombie: boolean;
  /** Its command name, for messages. */
  readonly name: string;
}

/**
 * A process to be forked at a restore. Helpers replace leaders of sessions and groups that are gone: they create
 * the session or group, and exit when its members have joined.
 */
export interface TreeNode {
  readonly pid: NsPid;
  readonly pgid: NsPid;
  readonly sid: NsPid;
  /** The session it is forked in: before it makes its own, if it does. */
  readonly start: NsPid;
  readonly kind: 'process' | 'zombie' | 'helper';
  /** Whether it makes a process group that it leaves again when the others have joined. */
  leavesGroup: boolean;
  /**
   * The process that forks it. Members of a gone leader's session are forked by its helper, and inherited by PID 1.
   */
  readonly children: TreeNode[];
}

/** What forks the processes of a container. */
export interface Forest {
  /** The container's init: PID 1, unless it shares its pid namespace. */
  readonly root: TreeNode;
  /** A helper outside of the pid namespace, which forks those that came by exec; undefined if there are none. */
  readonly outside: TreeNode | undefined;
}

/** The pid of what is outside of the namespace, as the namespace sees it; also a session or group that was made there. */
export const OUTSIDE = asNsPid(0);

/**
 * Whether a process is a child of the PID 1 of a shared pid namespace, which is outside of the container: it has been
 * left to that by a parent that has ended.
 */
export function isAdopted({ ppid }: { readonly ppid: NsPid }, root: NsPid): boolean {
  return ppid === INIT && root !== INIT;
}

/**
 * Plans which process forks which. The first process is the container's init. Others without a parent came by exec:
 * they lead sessions of their own, or are in one that was made outside, if the runtime calls no setsid(2) for them, as crun.
 * The helper outside makes that one, with its group, for all of them.
 *
 * In a pid namespace that containers share, a process whose parent has ended becomes a child of PID 1, which belongs to
 * none of them. A helper forks it and ends.
 *
 * A process that is not a session leader is in the session it was forked in. So a child in a session other than its
 * parent's was forked before the parent made its own, in the session that the parent itself was forked in, and so
 * on upwards; or PID 1 has inherited it.
 *
 * @param taken pids of processes and threads: helpers get others
 * @throws ShimError `failedPrecondition` for a tree that fork(2), setsid(2) and setpgid(2) cannot create
 */
export function buildTree(
  processes: readonly TreeProcess[],
  taken: ReadonlySet<NsTid> = new Set(),
): Forest {
  checkProcesses(processes);
  const ordered = parentsFirst(processes);
  if (ordered.length < processes.length) badImage('processes that do not descend from its init');
  const grove = new Grove(ordered, taken);
  for (const process of ordered) grove.plant(process);
  for (const { pid } of ordered) grove.group(grove.node(pid));
  const root = grove.root;
  const outside = grove.outside.children.length > 0 ? grove.outside : undefined;
  const forest = { root, outside };
  if (nodesOf(forest).length !== grove.size + (outside ? 1 : 0)) {
    badImage('sessions that nobody can have made');
  }
  return forest;
}

/**
 * Processes, each after its parent; the first remains that. Those that descend neither from one without a parent nor from
 * an adopted one are left out.
 */
export function parentsFirst<T extends { readonly pid: NsPid; readonly ppid: NsPid }>(
  processes: readonly T[],
): T[] {
  const children = new Map<NsPid, T[]>();
  for (const process of processes) {
    const siblings = children.get(process.ppid);
    if (siblings) siblings.push(process);
    else children.set(process.ppid, [process]);
  }
  const ordered = [...(children.get(OUTSIDE) ?? [])];
  if (processes.every(({ pid }) => pid !== INIT)) ordered.push(...(children.get(INIT) ?? []));
  for (const { pid } of ordered) ordered.push(...(children.get(pid) ?? []));
  return ordered;
}

function checkProcesses(processes: readonly TreeProcess[]): void {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  if (byPid.size !== processes.length) badImage('a process twice');
  const root = firstOf(processes);
  if (root.pid !== INIT && byPid.has(INIT)) badImage('process 1 is not the first one');
  for (const process of processes) {
    const { pid, ppid, isZombie } = process;
    const hasNoParent = ppid === OUTSIDE || isAdopted(process, root.pid);
    const isOrphan = hasNoParent ? isZombie : (byPid.get(ppid)?.isZombie ?? true);
    if (process !== root && isOrphan) badImage(`pid ${String(pid)} has no parent`);
  }
  for (const process of processes) checkSession(process, process === root);
}

function firstOf([root]: readonly TreeProcess[]): TreeProcess {
  return root?.ppid === OUTSIDE ? root : badImage('no first process');
}

function checkSession(process: TreeProcess, isRoot: boolean): void {
  const { pid, ppid, sid, pgid } = process;
  if (pgid === OUTSIDE && sid !== OUTSIDE) badImage(`pid ${String(pid)} is in no process group`);
  const isInit = isRoot && sid === OUTSIDE;
  if (!isInit && (ppid !== OUTSIDE || sid === pid || sid === OUTSIDE)) return;
  const what = `its session (${String(sid)}) or group (${String(pgid)})`;
  const why = `${what} was made outside of the container, which is not supported`;
  throw unmakable(process, why, isRoot ? 'start it in a session of its own' : 'end it');
}

/** The sessions that processes are forked in; none for session leaders that can be forked in any. */
function findStarts(ordered: readonly TreeProcess[]): ReadonlyMap<NsPid, NsPid> {
  const starts = new Map(ordered.slice(0, 1).map(({ pid }) => [pid, pid]));
  const byPid = new Map(ordered.map((process) => [process.pid, process]));
  for (const process of [...ordered].reverse()) {
    const { pid, ppid, sid } = process;
    if (sid !== pid) starts.set(pid, sid);
    const start = starts.get(pid);
    const parent = byPid.get(ppid);
    if (start === undefined || !parent || ppid === INIT || start === parent.sid) continue;
    if (!canHaveBeenIn(parent, start) || (starts.get(ppid) ?? start) !== start) {
      const verb = start === sid ? 'is' : 'was';
      const why = `${verb} in session ${String(start)}, which its parent cannot have been in`;
      throw unmakable(process, `${why}: not supported`);
    }
    starts.set(ppid, start);
  }
  return starts;
}

/** What came by exec has made its session at once, unless the helper outside forks it in its own. */
function canHaveBeenIn({ pid, ppid, sid }: TreeProcess, start: NsPid): boolean {
  return sid === pid && (ppid !== OUTSIDE || start === OUTSIDE);
}

function unmakable({ pid, name }: TreeProcess, why: string, remedy = 'end it'): ShimError {
  const message = `pid ${String(pid)} (${name}): ${why}; remedy: ${remedy}`;
  return new ShimError('failedPrecondition', message);
}

/** A tree while it is being planned. */
class Grove {
  /** Forks those that came by exec. */
  readonly outside: TreeNode = {
    ...{ pid: OUTSIDE, pgid: OUTSIDE, sid: OUTSIDE, start: OUTSIDE, kind: 'helper' },
    leavesGroup: false,
    children: [],
  };
  readonly root: TreeNode;
  readonly #nodes = new Map<NsPid, TreeNode>();
  /** The processes that can fork into a session, by its id. */
  readonly #hosts = new Map<NsPid, TreeNode>();
  readonly #orphanages = new Map<NsPid, TreeNode>();
  readonly #taken: ReadonlySet<NsTid>;
  #free: NsPid = INIT;

  constructor(processes: readonly TreeProcess[], taken: ReadonlySet<NsTid>) {
    this.#taken = new Set([...taken, ...processes.flatMap(({ pgid, sid }) => [pgid, sid])]);
    const starts = findStarts(processes);
    for (const process of processes) {
      const { pid, pgid, sid, isZombie } = process;
      const kind = isZombie ? 'zombie' : 'process';
      const start = starts.get(pid) ?? this.#parent(process).sid;
      this.#add({ pid, pgid, sid, start, kind });
    }
    this.root = this.node(processes[0]?.pid ?? INIT);
  }

  get size(): number {
    return this.#nodes.size;
  }

  node(pid: NsPid): TreeNode {
    return this.#nodes.get(pid) ?? badImage(`no process ${String(pid)}`);
  }

  /** That of an adopted process is the first of all, as far as sessions are concerned. */
  #parent({ ppid }: TreeProcess): TreeNode {
    if (ppid === OUTSIDE) return this.outside;
    return this.#nodes.get(ppid) ?? [...this.#nodes.values()][0] ?? badImage('no process');
  }

  /** Adds a process below the one that forks it. */
  plant(process: TreeProcess): void {
    const node = this.node(process.pid);
    if (node === this.root) return;
    const isInherited = process.ppid === INIT && node.start !== INIT;
    const isOrphan = isInherited || isAdopted(process, this.root.pid);
    if (isOrphan && node.start === OUTSIDE) {
      const why = 'PID 1 has inherited it, and it was forked in a session outside of the container';
      throw unmakable(process, `${why}, which is not supported`);
    }
    (isOrphan ? this.#orphanage(node.start) : this.#parent(process)).children.push(node);
  }

  /** Ensures that the process group exists that a process is to join. */
  group(node: TreeNode): void {
    const { pid, pgid, sid } = node;
    if (pgid === pid || pgid === OUTSIDE) return;
    const leader = this.#nodes.get(pgid) ?? this.#helper({ pid: pgid, sid }, this.#host(node));
    const isPossible = leader.sid === sid && sid !== pid && leader.pgid !== OUTSIDE;
    if (!isPossible) badImage(`pid ${String(pid)} is in a process group of another session`);
    if (leader.pgid === pgid || leader.leavesGroup) return;
    leader.leavesGroup = true;
    // Keeps the group until all have left and joined.
    this.#helper({ pid: this.#freePid(), pgid, sid }, this.#host(node));
  }

  /** Forks what PID 1 has inherited from a session, and exits: its leader was in between, or is gone. */
  #orphanage(sid: NsPid): TreeNode {
    const known = this.#orphanages.get(sid);
    if (known) return known;
    const leader = this.#nodes.get(sid);
    if (leader && leader.sid !== sid) badImage(`session ${String(sid)} has no leader`);
    const made =
      leader?.kind === 'process'
        ? this.#helper({ pid: this.#freePid(), sid }, leader)
        : (leader ?? this.#helper({ pid: sid, sid }, this.root));
    this.#orphanages.set(sid, made);
    return made;
  }

  #host(node: TreeNode): TreeNode {
    return this.#hosts.get(node.sid) ?? node;
  }

  #helper(
    ids: { readonly pid: NsPid; readonly pgid?: NsPid; readonly sid: NsPid },
    parent: TreeNode,
  ): TreeNode {
    const helper = this.#add({ pgid: ids.pid, ...ids, start: parent.sid, kind: 'helper' });
    parent.children.push(helper);
    return helper;
  }

  #add(node: Omit<TreeNode, 'children' | 'leavesGroup'>): TreeNode {
    const added: TreeNode = { ...node, leavesGroup: false, children: [] };
    this.#nodes.set(node.pid, added);
    if (node.kind === 'process' && !this.#hosts.has(node.sid)) this.#hosts.set(node.sid, added);
    return added;
  }

  #freePid(): NsPid {
    do this.#free = asNsPid(this.#free + 1);
    while (this.#taken.has(this.#free) || this.#nodes.has(this.#free));
    return this.#free;
  }
}

/** All nodes of a subtree, itself first. */
export function subtree(node: TreeNode): TreeNode[] {
  const nodes: TreeNode[] = [];
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    nodes.push(next);
    waiting.push(...[...next.children].reverse());
  }
  return nodes;
}

/** All nodes of a forest, its root first. */
export function nodesOf({ root, outside }: Forest): TreeNode[] {
  return [...subtree(root), ...(outside ? subtree(outside) : [])];
}

/** The process that forks each process, without helpers in between; by pids, each after its own forker. */
export function forkersOf({ root, outside }: Forest): Map<NsPid, NsPid> {
  const forkers = new Map<NsPid, NsPid>();
  const waiting = [root, ...(outside ? [outside] : [])].map((node) => ({ node, forker: node.pid }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const node of next.node.children) {
      const isProcess = node.kind === 'process';
      if (isProcess && next.forker !== OUTSIDE) forkers.set(node.pid, next.forker);
      waiting.push({ node, forker: isProcess ? node.pid : next.forker });
    }
  }
  return forkers;
}

/** Whether the children that a process forks before it makes its session include this one. */
export function isForkedBeforeSession(node: TreeNode, child: TreeNode): boolean {
  return child.start !== node.sid;
}
