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
import { readVitalsOf } from './many.js';
import { listThreads } from './reader.js';
import { isWorker, parseStat, type ProcStat } from './stat.js';
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
  'status',
  'cgroup',
  'stat',
  'limits',
  'timers',
  'personality',
  'auxv',
  'oom_score_adj',
  'coredump_filter',
] as const;
const PROCESS_LINKS = ['exe', 'cwd', 'root'] as const;

export type ProcessLink = (typeof PROCESS_LINKS)[number];

type NamespacePath = `ns/${NamespaceLink}`;
type OfThread = ProcTexts<(typeof THREAD_FILES)[number], NamespacePath>;
type OfProcess = ProcTexts<(typeof PROCESS_FILES)[number], ProcessLink | NamespacePath>;
/** What any thread has, read of the process for the first. */
type OfEither = ProcTexts<'status' | 'cgroup', NamespacePath>;

const NAMESPACES = NAMESPACE_LINKS.map((name): NamespacePath => `ns/${name}`);
const ALL_LINKS = [...PROCESS_LINKS, ...NAMESPACES];

/**
 * What /proc says of a process that stands still, read by a few calls for all processes and one for each further thread.
 * It does not change later. Throws like `reader.ts`, when the value is requested.
 */
export class StillProcess {
  readonly pid: HostPid;
  /** Its threads, the leader first. */
  readonly tids: readonly HostTid[];
  readonly #own: OfProcess;
  readonly #children: ProcTexts<'children'>;
  readonly #others = new Map<HostTid, OfThread>();
  readonly #statuses = new Map<HostTid, ProcStatus>();
  #stat: ProcStat | undefined;

  private constructor(pid: HostPid, own: OfProcess, children: ProcTexts<'children'>) {
    this.pid = pid;
    this.#own = own;
    this.#children = children;
    const isAlone = this.status().threads <= 1;
    this.tids = isAlone ? [pid] : [pid, ...furtherThreads(pid)];
    for (const tid of this.tids.slice(1)) this.#others.set(tid, readThread(pid, tid));
  }

  /** @throws ShimError `notFound` if one of them is gone */
  static readAll(pids: readonly HostPid[]): StillProcess[] {
    const own = ProcTexts.readAll(pids.map(String), PROCESS_FILES, ALL_LINKS);
    const children = ProcTexts.readAll(pids.map(leaderOf), ['children']);
    return pids.flatMap((pid, index) => {
      const [texts, forked] = [own[index], children[index]];
      return texts && forked ? [new StillProcess(pid, texts, forked)] : [];
    });
  }

  /** @throws ShimError `notFound` if it is gone */
  static read(pid: HostPid): StillProcess {
    const own = ProcTexts.read(String(pid), PROCESS_FILES, ALL_LINKS);
    return new StillProcess(pid, own, ProcTexts.read(leaderOf(pid), ['children']));
  }

  /** Ids, signals, capabilities of a thread; by default of the leader. */
  status(tid: HostTid = this.pid): ProcStatus {
    const known = this.#statuses.get(tid) ?? parseStatus(this.#either(tid).file('status'));
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
  link(name: ProcessLink): string {
    return this.#own.link(name);
  }

  /** Cgroups of a thread, as the kernel writes them. */
  cgroupText(tid: HostTid = this.pid): string {
    return decodeBytes(this.#either(tid).file('cgroup'));
  }

  /** Cgroups of a thread, one for each hierarchy. */
  cgroup(tid: HostTid = this.pid): readonly CgroupMembership[] {
    return parseCgroup(this.#either(tid).file('cgroup'));
  }

  /** A namespace of a thread as `mnt:[4026531841]`; equal texts of one type mean the same namespace. */
  namespace(name: NamespaceLink, tid: HostTid = this.pid): string {
    return this.#either(tid).link(`ns/${name}`);
  }

  /** Whether a thread shares a namespace with another process; so do two that have none. */
  sharesNamespace(name: NamespaceLink, tid: HostTid, other: StillProcess): boolean {
    return this.#either(tid).hasSameLink(`ns/${name}`, other.#own);
  }

  /** Processes that one thread forked. Needs CONFIG_PROC_CHILDREN: without it `notFound`. */
  children(tid: HostTid): readonly HostPid[] {
    const texts = tid === this.pid ? this.#children : this.#other(tid);
    return parseChildren(texts.file('children'));
  }

  #either(tid: HostTid): OfEither {
    return tid === this.pid ? this.#own : this.#other(tid);
  }

  #other(tid: HostTid): OfThread {
    return this.#others.get(tid) ?? readThread(this.pid, tid);
  }

  #line(file: (typeof PROCESS_FILES)[number]): Line {
    return new Line(file, decodeBytes(this.#own.file(file)).trimEnd());
  }
}

/** All threads but the first, without those of the kernel. */
function furtherThreads(pid: HostPid): HostTid[] {
  const tids = listThreads(pid).filter((tid) => tid !== pid);
  const vitals = readVitalsOf(tids);
  return tids.filter((tid) => {
    const found = vitals.get(tid);
    return !found || !isWorker(found);
  });
}

/** The folder of a process's first thread. */
function leaderOf(pid: HostPid): string {
  return `${String(pid)}/task/${String(pid)}`;
}

function readThread(pid: HostPid, tid: HostTid): OfThread {
  return ProcTexts.read(`${String(pid)}/task/${String(tid)}`, THREAD_FILES, NAMESPACES);
}

const limitsOf = remember(parseLimits);
