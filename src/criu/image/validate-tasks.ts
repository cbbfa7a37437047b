// SPDX-License-Identifier: Apache-2.0
import { ARCHITECTURE, MACHINE } from '../arch/index.js';
import { INIT, type NsPid, type NsTid } from '../../common/ids.js';
import { encodeBytes } from '../../common/bytes.js';
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import { TASK_STATE } from './constants.js';
import type {
  CoreEntry,
  PstreeEntry,
  SeccompEntry,
  TaskCoreEntry,
  TaskKobjIdsEntry,
  ThreadCoreEntry,
} from './types.js';

/** Largest pid of a 64-bit kernel: PID_MAX_LIMIT of include/linux/threads.h. */
export const MAX_PID = 4_194_304;

const MAX_PROCESSES = 32_768;
const MAX_THREADS = 131_072;
const MAX_SIGNALS = 64;
/** include/uapi/asm-generic/siginfo.h. */
const SIGEV_THREAD_ID = 4;
/** Room for all extended states there are, and more. */
const MAX_XSTATE_BYTES = 65_536;
/** TASK_COMM_LEN without the terminating NUL. */
const MAX_COMM_BYTES = 15;

/** Whether a process no longer runs any code: it has a core and nothing else. */
export function isDead(core: CoreEntry): boolean {
  const state = core.tc?.task_state;
  return state === TASK_STATE.dead || state === TASK_STATE.zombie;
}

/** Rules for attributes, defined next to their dump and restore. Each throws ShimError `dataLoss`. */
export interface AttributeRules {
  /** Checks a process by its leader's entry. */
  readonly process: (where: string, leader: CoreEntry) => void;
  /** Checks a thread. */
  readonly thread: (where: string, core: CoreEntry) => void;
  readonly filters: (entry: SeccompEntry | undefined) => void;
}

/** Checks the tree, its threads, and what each of them consists of. Throws ShimError `dataLoss`. */
export function validateTasks(image: CheckpointImage, rules: AttributeRules): void {
  const { pstree, cores, seccomp } = image;
  if (pstree.length > MAX_PROCESSES) badImage('check pstree: too many processes');
  checkRoot(image);
  const seen = new Set<NsTid>();
  const pids = new Set<NsPid>();
  for (const process of pstree) {
    checkPlace(process, pids, pstree[0]);
    pids.add(process.pid);
    checkThreads(process, seen, cores);
  }
  for (const tid of cores.keys()) {
    if (!seen.has(tid)) badImage(`check core-${String(tid)}: no process has such a thread`);
  }
  rules.filters(seccomp);
  const shared = sharedObjects(image);
  for (const process of pstree) checkProcess(process, { image, shared, rules });
}

/**
 * The first process is the container's init: PID 1, or another one in a pid namespace that containers share. Another process
 * without a parent came by exec; in a shared namespace, the parent of one that is left over is PID 1, which is no process
 * of the container. Sessions are judged with the tree.
 */
function checkPlace(
  { pid, ppid, pgid, sid }: PstreeEntry,
  earlier: ReadonlySet<NsPid>,
  root: PstreeEntry | undefined,
): void {
  const what = `check process ${String(pid)}`;
  checkPid(pid, what);
  if (Math.max(pgid, sid) > MAX_PID) badImage(`${what}: its group or session is beyond any pid`);
  const isShared = root?.pid !== INIT;
  if (earlier.size === 0) return;
  if (isShared && pid === INIT) badImage(`${what}: process 1 must be the first one`);
  const isOutside = ppid === 0 || (isShared && ppid === INIT);
  if (!isOutside && !earlier.has(ppid)) {
    badImage(`${what}: parent ${String(ppid)} does not come before it`);
  }
}

function checkRoot({ pstree: [root], cores }: CheckpointImage): void {
  if (!root) badImage('check pstree: there is no process');
  const { pid, ppid, sid } = root;
  const what = `check process ${String(pid)}: the first process`;
  if (ppid !== 0) badImage(`${what} must have no parent`);
  if (pid !== INIT && sid !== pid) badImage(`${what} must lead a session`);
  const core = cores.get(pid);
  if (core && isDead(core)) badImage(`${what} is dead`);
}

/** The container's init: its pid is 1 unless the container shares a pid namespace that it does not own. */
export function rootOf({ pstree }: Pick<CheckpointImage, 'pstree'>): NsPid {
  return pstree[0]?.pid ?? badImage('check pstree: there is no process');
}

function checkPid(pid: NsTid, what: string): void {
  if (pid < 1 || pid > MAX_PID) badImage(`${what}: ${String(pid)} is not a pid`);
}

function checkThreads(
  { pid, threads }: PstreeEntry,
  seen: Set<NsTid>,
  cores: ReadonlyMap<NsTid, CoreEntry>,
): void {
  const what = `check process ${String(pid)}`;
  if (!threads.includes(pid)) badImage(`${what}: its leader is not among its threads`);
  for (const tid of threads) {
    checkPid(tid, what);
    if (seen.has(tid)) badImage(`${what}: thread ${String(tid)} occurs twice`);
    if (seen.size >= MAX_THREADS) badImage('check pstree: too many threads');
    if (!cores.has(tid)) badImage(`${what}: thread ${String(tid)} has no core`);
    seen.add(tid);
  }
}

function checkProcess({ pid, threads }: PstreeEntry, { image, shared, rules }: Surroundings): void {
  const core = image.cores.get(pid);
  const what = `check process ${String(pid)} (${core?.tc?.comm ?? ''})`;
  const states: readonly number[] = Object.values(TASK_STATE);
  if (!core?.tc || !states.includes(core.tc.task_state)) badImage(`${what}: it has no known state`);
  checkTask(core.tc, threads, what);
  rules.process(what, core);
  const dead = isDead(core);
  if (dead && threads.length > 1) badImage(`${what}: it is dead and has threads`);
  if (dead) return;
  const ids = image.ids.get(pid);
  if (!ids) badImage(`${what}: it has no ids`);
  checkObjects(pid, ids, image, shared);
  for (const tid of threads) checkThread(tid, image, rules);
}

function checkTask(tc: TaskCoreEntry, threads: readonly NsTid[], what: string): void {
  if (encodeBytes(tc.comm).length > MAX_COMM_BYTES) badImage(`${what}: its name is too long`);
  if ((tc.mvas_exit_signal ?? 0) > MAX_SIGNALS) badImage(`${what}: its exit signal is none`);
  const own = new Set(threads);
  for (const { it_id, it_sigev_notify: notify, notify_thread_id: tid } of tc.timers?.posix ?? []) {
    if ((notify & SIGEV_THREAD_ID) !== 0 && !(tid !== undefined && own.has(tid))) {
      badImage(`${what}: timer ${String(it_id)} signals no thread of it`);
    }
  }
}

/** Ids of the objects that processes share, provided some process has the object. */
interface SharedObjects {
  readonly vms: ReadonlySet<number>;
  readonly dirs: ReadonlySet<number>;
}

function sharedObjects({ ids, mms, fs }: CheckpointImage): SharedObjects {
  const of = (owners: Iterable<NsPid>, field: 'vm_id' | 'fs_id'): Set<number> =>
    new Set([...owners].map((pid) => ids.get(pid)?.[field] ?? 0).filter((id) => id !== 0));
  return { vms: of(mms.keys(), 'vm_id'), dirs: of(fs.keys(), 'fs_id') };
}

/** What a process is checked against. */
interface Surroundings {
  readonly image: CheckpointImage;
  readonly shared: SharedObjects;
  readonly rules: AttributeRules;
}

/** If a process does not have an object itself, another one with the same id must. */
function checkObjects(
  pid: NsPid,
  ids: TaskKobjIdsEntry,
  image: CheckpointImage,
  shared: SharedObjects,
): void {
  const what = `check process ${String(pid)}`;
  if (!image.mms.has(pid) && !shared.vms.has(ids.vm_id)) badImage(`${what}: no address space`);
  if (!image.fs.has(pid) && !shared.dirs.has(ids.fs_id)) badImage(`${what}: no working directory`);
  if (!image.fdinfo.has(ids.files_id)) badImage(`${what}: no table of descriptors`);
}

function checkThread(
  tid: NsTid,
  { cores, seccomp }: CheckpointImage,
  { thread: check }: AttributeRules,
): void {
  const what = `check thread ${String(tid)}`;
  const core = cores.get(tid);
  if (core?.mtype !== MACHINE || !core.thread_info)
    badImage(`${what}: no registers of ${ARCHITECTURE}`);
  check(what, core);
  checkSizes(what, core.thread_core);
  const filter = core.thread_core?.seccomp_filter;
  if (filter !== undefined && filter >= (seccomp?.seccomp_filters.length ?? 0)) {
    badImage(`${what}: seccomp filter ${String(filter)} does not exist`);
  }
}

function checkSizes(what: string, thread: ThreadCoreEntry | undefined): void {
  const { comm, mvas_xstate: xstate } = thread ?? {};
  if (xstate && xstate.length > MAX_XSTATE_BYTES) {
    badImage(`${what}: its extended state is too long`);
  }
  if (comm !== undefined && encodeBytes(comm).length > MAX_COMM_BYTES) {
    badImage(`${what}: its name is too long`);
  }
}
