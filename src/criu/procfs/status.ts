// SPDX-License-Identifier: Apache-2.0
import {
  asHostPid,
  asHostTid,
  asNsPid,
  asNsTid,
  type HostPid,
  type HostTid,
  type NsPid,
  type NsTid,
} from '../../common/ids.js';
import { Line, toText, type ProcText } from '../../common/procfs/line.js';
import { remember } from '../../common/procfs/remember.js';
import { parseTaskState, type TaskState } from './stat.js';

/** The four ids of one kind that a task has. */
export interface TaskIds {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly fileSystem: number;
}

/** The capability sets of a task; bit N is capability N. */
export interface TaskCapabilities {
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
}

/** Signal masks of a task; bit N-1 is signal N. */
export interface TaskSignals {
  /** Signals queued for the task's user, in all of the user's processes. */
  readonly queued: number;
  /** The limit of these. */
  readonly queueLimit: number;
  readonly pending: bigint;
  readonly sharedPending: bigint;
  readonly blocked: bigint;
  readonly ignored: bigint;
  readonly caught: bigint;
}

/** /proc/PID/status or /proc/PID/task/TID/status. Source: proc_pid_status(5), fs/proc/array.c. */
export interface ProcStatus {
  /** The comm, unescaped. */
  readonly name: string;
  /** Undefined for a task without a file system context: a zombie, or before Linux 4.7. */
  readonly umask: number | undefined;
  readonly state: TaskState;
  readonly tgid: HostPid;
  /** The thread's own id. */
  readonly pid: HostTid;
  readonly ppid: HostPid;
  /** Thread (group) that traces it; 0 if there is none. */
  readonly tracerPid: HostTid;
  readonly uid: TaskIds;
  readonly gid: TaskIds;
  readonly groups: readonly number[];
  /**
   * Ids in each pid namespace, from the reader's (of procfs) to the task's own. Empty if the kernel has no pid
   * namespaces.
   */
  readonly nsTgid: readonly number[];
  readonly nsPid: readonly number[];
  readonly nsPgid: readonly number[];
  readonly nsSid: readonly number[];
  /** 0 for a zombie that lost its signal handlers. */
  readonly threads: number;
  readonly signals: TaskSignals;
  readonly capabilities: TaskCapabilities;
  readonly noNewPrivs: boolean;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccomp: number;
  /** Undefined before Linux 5.9. */
  readonly seccompFilters: number | undefined;
  /** Resident anonymous memory in bytes; 0 for a zombie or kernel thread. */
  readonly rssAnon: number;
  /** Undefined before Linux 4.10 and for a task without memory. */
  readonly coreDumping: boolean | undefined;
}

/** Parses a status file. Ignores unknown lines; a missing line that is needed is an error. */
export function parseStatus(content: ProcText): ProcStatus {
  const fields = new StatusFields(content);
  return {
    name: fields.required('Name', (line, value) => unescapeName(line.present(value))),
    umask: fields.optional('Umask', (line, value) => line.octal(value)),
    state: fields.required('State', (line, value) => parseTaskState(line, value[0])),
    tgid: asHostPid(fields.integer('Tgid')),
    pid: asHostTid(fields.integer('Pid')),
    ppid: asHostPid(fields.integer('PPid')),
    tracerPid: asHostTid(fields.integer('TracerPid')),
    ...parseOwner(fields.part('Uid', 'NStgid')),
    nsTgid: fields.list('NStgid'),
    nsPid: fields.list('NSpid'),
    nsPgid: fields.list('NSpgid'),
    nsSid: fields.list('NSsid'),
    threads: fields.integer('Threads'),
    ...parseRights(fields.part('SigQ', 'Cpus_allowed')),
    rssAnon: fields.optional('RssAnon', kibibytes) ?? 0,
    coreDumping: fields.optional('CoreDumping', (line, value) => line.integer(value) !== 0),
  };
}

/** Whom it acts for. */
type Owner = Pick<ProcStatus, 'uid' | 'gid' | 'groups'>;

const parseOwner = remember((text): Owner => {
  const fields = new StatusFields(text);
  return {
    uid: fields.required('Uid', parseIds),
    gid: fields.required('Gid', parseIds),
    groups: fields.list('Groups'),
  };
});

type Rights = Pick<
  ProcStatus,
  'signals' | 'capabilities' | 'noNewPrivs' | 'seccomp' | 'seccompFilters'
>;

const parseRights = remember((text): Rights => {
  const fields = new StatusFields(text);
  return {
    signals: parseSignals(fields),
    capabilities: parseCapabilities(fields),
    noNewPrivs: (fields.optional('NoNewPrivs', integer) ?? 0) !== 0,
    seccomp: fields.optional('Seccomp', integer) ?? 0,
    seccompFilters: fields.optional('Seccomp_filters', integer),
  };
});

/** One of its fields, if no more is needed; undefined if there is no such line. */
export function parseStatusField(content: ProcText, key: string): string | undefined {
  return new RegExp(`^${key}:[ \\t]?(.*)$`, 'm').exec(toText(content))?.[1];
}

type Convert<T> = (line: Line, value: string) => T;

/** Looks for each line when it is asked for: there are some sixty, of which hardly anyone needs all. */
class StatusFields {
  readonly #text: string;

  constructor(content: ProcText) {
    this.#text = `\n${toText(content)}`;
  }

  /** The lines from one to before another one, which forked processes often have in common; all lines if there are no such two. */
  part(from: string, to: string): string {
    const start = this.#text.indexOf(`\n${from}:`);
    const end = this.#text.indexOf(`\n${to}:`, start);
    return start < 0 || end < 0 ? this.#text : this.#text.slice(start + 1, end);
  }

  optional<T>(key: string, convert: Convert<T>): T | undefined {
    const before = this.#text.indexOf(`\n${key}:`);
    if (before < 0) return undefined;
    const end = this.#text.indexOf('\n', before + 1);
    const line = this.#text.slice(before + 1, end < 0 ? undefined : end);
    const value = key.length + 1;
    const separator = line[value] === '\t' || line[value] === ' ' ? 1 : 0;
    return convert(new Line('status', line), line.slice(value + separator));
  }

  required<T>(key: string, convert: Convert<T>): T {
    return this.optional(key, convert) ?? new Line('status', `${key}: (missing)`).fail();
  }

  integer(key: string): number {
    return this.required(key, integer);
  }

  mask(key: string): bigint {
    return this.required(key, (line, value) => line.hex(value));
  }

  list(key: string): readonly number[] {
    return this.optional(key, (line, value) => line.integers(value)) ?? [];
  }
}

function integer(line: Line, value: string): number {
  return line.integer(value);
}

function kibibytes(line: Line, value: string): number {
  const [, kib] = /^ *([0-9]+) kB$/.exec(value) ?? line.fail();
  return line.integer(kib) * 1024;
}

function parseIds(line: Line, value: string): TaskIds {
  const [real, effective, saved, fileSystem] = value.split('\t').map((id) => line.integer(id));
  if (real === undefined || effective === undefined) line.fail();
  if (saved === undefined || fileSystem === undefined) line.fail();
  return { real, effective, saved, fileSystem };
}

function parseSignals(fields: StatusFields): TaskSignals {
  return {
    ...fields.required('SigQ', parseQueue),
    pending: fields.mask('SigPnd'),
    sharedPending: fields.mask('ShdPnd'),
    blocked: fields.mask('SigBlk'),
    ignored: fields.mask('SigIgn'),
    caught: fields.mask('SigCgt'),
  };
}

function parseQueue(line: Line, value: string): Pick<TaskSignals, 'queued' | 'queueLimit'> {
  const [, used, limit] = /^([0-9]+)\/([0-9]+)$/.exec(value) ?? line.fail();
  // The limit is RLIM_INFINITY if there is none: inexact as a number, and still larger than any count.
  return { queued: line.integer(used), queueLimit: Number(limit) };
}

function parseCapabilities(fields: StatusFields): TaskCapabilities {
  return {
    inheritable: fields.mask('CapInh'),
    permitted: fields.mask('CapPrm'),
    effective: fields.mask('CapEff'),
    bounding: fields.mask('CapBnd'),
    ambient: fields.optional('CapAmb', (line, value) => line.hex(value)) ?? 0n,
  };
}

/** The kernel writes a line feed as `\n` and a backslash as `\\`. Source: proc_task_name(). */
function unescapeName(value: string): string {
  return value.replace(/\\([n\\])/g, (_, escaped) => (escaped === 'n' ? '\n' : '\\'));
}

/** The id of a thread in its own pid namespace, the container's. */
export function containerTid({ nsPid, pid }: Pick<ProcStatus, 'nsPid' | 'pid'>): NsTid {
  return asNsTid(nsPid.at(-1) ?? pid);
}

/** The same for a process, by its first thread's status. */
export function containerPid(leader: Pick<ProcStatus, 'nsPid' | 'pid'>): NsPid {
  return asNsPid(containerTid(leader));
}

/** The group and the session of a process in its own pid namespace; 0 for one that was created outside of it. */
export function containerGroups({ nsPgid, nsSid }: Pick<ProcStatus, 'nsPgid' | 'nsSid'>): {
  readonly pgid: NsPid;
  readonly sid: NsPid;
} {
  return { pgid: asNsPid(nsPgid.at(-1) ?? 0), sid: asNsPid(nsSid.at(-1) ?? 0) };
}
