// SPDX-License-Identifier: Apache-2.0
import { parseAuxv, type AuxvEntry } from './auxv.js';
import { decodeBytes } from '../../common/bytes.js';
import type { HostPid, HostTid } from '../../common/ids.js';
import { parseCgroup, type CgroupMembership } from '../../common/procfs/cgroup.js';
import { remember } from '../../common/procfs/remember.js';
import { parseChildren } from './children.js';
import { parseLimits, type ResourceLimit } from './limits.js';
import { Line } from '../../common/procfs/line.js';
import { parsePersonality } from './personality.js';
import { listThreads } from './reader.js';
import { parseStat, type ProcStat } from './stat.js';
import { parseStatus, type ProcStatus } from './status.js';
import { ProcTexts } from './texts.js';
import { parseTimers, type PosixTimer } from './timers.js';

/** Links of /proc/PID/ns (namespaces(7)). */
export const NAMESPACE_LINKS = [
  'pid',
  'pid_for_children',
  'mnt',
  'net',
  'uts',
  'ipc',
  'user',
  'cgroup',
  'time',
  'time_for_children',
] as const;

export type NamespaceLink = (typeof NAMESPACE_LINKS)[number];

const THREAD_FILES = ['status', 'cgroup', 'children'] as const;
const PROCESS_FILES = [
  'stat',
  'limits',
  'timers',
  'personality',
  'auxv',
  'oom_score_adj',
  'coredump_filter',
] as const;
const PROCESS_LINKS = ['cwd', 'root'] as const;

type OfThread = ProcTexts<(typeof THREAD_FILES)[number], `ns/${NamespaceLink}`>;
type OfProcess = ProcTexts<(typeof PROCESS_FILES)[number], (typeof PROCESS_LINKS)[number]>;

const NAMESPACES = NAMESPACE_LINKS.map((name) => `ns/${name}` as const);

/**
 * What /proc says of a process that stands still, read by one call for each of its threads and one for the process.
 * It does not change later. Throws like `reader.ts`, when the value is requested.
 */
export class StillProcess {
  readonly pid: HostPid;
  /** Its threads, the leader first. */
  readonly tids: readonly HostTid[];
  readonly #own: OfProcess;
  readonly #threads = new Map<HostTid, OfThread>();
  readonly #statuses = new Map<HostTid, ProcStatus>();
  #stat: ProcStat | undefined;

  constructor(pid: HostPid) {
    this.pid = pid;
    this.#own = ProcTexts.read(String(pid), PROCESS_FILES, PROCESS_LINKS);
    this.#threads.set(pid, readThread(pid, pid));
    const isAlone = this.status().threads <= 1;
    this.tids = isAlone ? [pid] : [pid, ...listThreads(pid).filter((tid) => tid !== pid)];
    for (const tid of this.tids.slice(1)) this.#threads.set(tid, readThread(pid, tid));
  }

  /** Ids, signals, capabilities of a thread; by default of the leader. */
  status(tid: HostTid = this.pid): ProcStatus {
    const known = this.#statuses.get(tid) ?? parseStatus(this.#thread(tid).file('status'));
    this.#statuses.set(tid, known);
    return known;
  }

  get stat(): ProcStat {
    return (this.#stat ??= parseStat(this.#own.file('stat')));
  }

  /** Resource limits; the index is the RLIMIT_* number. */
  get limits(): readonly ResourceLimit[] {
    return limitsOf(this.#own.file('limits'));
  }

  /** POSIX timers. */
  get timers(): readonly PosixTimer[] {
    return parseTimers(this.#own.file('timers'));
  }

  /** Auxiliary vector. */
  get auxv(): readonly AuxvEntry[] {
    return parseAuxv(this.#own.file('auxv'));
  }

  /** PER_* bits of personality(2). */
  get personality(): number {
    return parsePersonality(this.#own.file('personality'));
  }

  get oomScoreAdj(): number {
    const line = this.#line('oom_score_adj');
    return line.integer(line.text);
  }

  /** Bits of the kinds of memory that core dumps include (core(5)). */
  get coredumpFilter(): number {
    const line = this.#line('coredump_filter');
    return line.hexInteger(line.text);
  }

  /** What a link refers to, including ` (deleted)`. */
  link(name: (typeof PROCESS_LINKS)[number]): string {
    return this.#own.link(name);
  }

  /** Cgroups of a thread, as the kernel writes them. */
  cgroupText(tid: HostTid = this.pid): string {
    return decodeBytes(this.#thread(tid).file('cgroup'));
  }

  /** Cgroups of a thread, one for each hierarchy. */
  cgroup(tid: HostTid = this.pid): readonly CgroupMembership[] {
    return parseCgroup(this.#thread(tid).file('cgroup'));
  }

  /** A namespace of a thread as `mnt:[4026531841]`; equal texts of one type mean the same namespace. */
  namespace(name: NamespaceLink, tid: HostTid = this.pid): string {
    return this.#thread(tid).link(`ns/${name}`);
  }

  /** Processes that one thread forked. Needs CONFIG_PROC_CHILDREN: without it `notFound`. */
  children(tid: HostTid): readonly HostPid[] {
    return parseChildren(this.#thread(tid).file('children'));
  }

  #thread(tid: HostTid): OfThread {
    return this.#threads.get(tid) ?? readThread(this.pid, tid);
  }

  #line(file: (typeof PROCESS_FILES)[number]): Line {
    return new Line(file, decodeBytes(this.#own.file(file)).trimEnd());
  }
}

function readThread(pid: HostPid, tid: HostTid): OfThread {
  return ProcTexts.read(`${String(pid)}/task/${String(tid)}`, THREAD_FILES, NAMESPACES);
}

const limitsOf = remember(parseLimits);
