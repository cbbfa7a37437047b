// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/core.proto; do not edit.
/** One process or thread: core-PID.img for each. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { CredsEntry } from './creds.js';
import type { SaEntry, SignalQueueEntry } from './signals.js';
import type { TaskKobjIdsEntry } from './pstree.js';
import type { TaskTimersEntry } from './timers.js';
import type { ThreadInfoX86 } from './x86.js';

/** Modes of prctl(PR_SET_SECCOMP). */
export type SeccompMode = 'disabled' | 'strict' | 'filter';
export type March =
  'UNKNOWN' | 'X86_64' | 'ARM' | 'AARCH64' | 'PPC64' | 'S390' | 'MIPS' | 'LOONGARCH64' | 'RISCV64';

/** One resource limit; all ones is RLIM_INFINITY. */
export interface RlimitEntry {
  cur: bigint;
  max: bigint;
}

/** Limits in the order of RLIMIT_* numbers. */
export interface TaskRlimitsEntry {
  rlimits: RlimitEntry[];
}

/** What belongs to a whole process. */
export interface TaskCoreEntry {
  task_state: number;
  exit_code: number;
  personality: number;
  flags: number;
  blk_sigset: bigint;
  comm: string;
  timers?: TaskTimersEntry | undefined;
  rlimits?: TaskRlimitsEntry | undefined;
  cg_set?: number | undefined;
  signals_s?: SignalQueueEntry | undefined;
  old_seccomp_mode?: SeccompMode | undefined;
  old_seccomp_filter?: number | undefined;
  loginuid?: number | undefined;
  oom_score_adj?: number | undefined;
  sigactions: SaEntry[];
  child_subreaper?: boolean | undefined;
  blk_sigset_extended?: bigint | undefined;
  stop_signo?: number | undefined;
  membarrier_registration_mask?: number | undefined;

  /** personality(2), all bits. */
  mvas_personality?: number | undefined;

  /** /proc/PID/coredump_filter. */
  mvas_coredump_filter?: number | undefined;

  /** prctl(PR_GET_DUMPABLE): 0, 1, or 2 for root alone. */
  mvas_dumpable?: number | undefined;

  /** prctl(PR_GET_THP_DISABLE), with its flags. */
  mvas_thp_disable?: number | undefined;

  /** prctl(PR_GET_MDWE). */
  mvas_mdwe?: number | undefined;

  /** prctl(PR_GET_MEMORY_MERGE). */
  mvas_memory_merge?: boolean | undefined;

  /** Signal that its parent gets when it ends, 0 for none. */
  mvas_exit_signal?: number | undefined;
}

/** Alternate signal stack, as sigaltstack(2). */
export interface ThreadSasEntry {
  ss_sp: bigint;
  ss_size: bigint;
  ss_flags: number;
}

/** Restartable sequences, as registered by rseq(2). */
export interface RseqEntry {
  rseq_abi_pointer: bigint;
  rseq_abi_size: number;
  signature: number;
  rseq_cs_pointer?: bigint | undefined;
}

/** What belongs to one thread. */
export interface ThreadCoreEntry {
  futex_rla: bigint;
  futex_rla_len: number;
  sched_nice?: number | undefined;
  sched_policy?: number | undefined;
  sched_prio?: number | undefined;
  blk_sigset?: bigint | undefined;
  sas?: ThreadSasEntry | undefined;
  pdeath_sig?: number | undefined;
  signals_p?: SignalQueueEntry | undefined;
  creds?: CredsEntry | undefined;
  seccomp_mode?: SeccompMode | undefined;
  seccomp_filter?: number | undefined;
  comm?: string | undefined;
  blk_sigset_extended?: bigint | undefined;
  rseq_entry?: RseqEntry | undefined;
  cg_set?: number | undefined;

  /** Raw XSAVE area in the kernel's non-compacted layout, as PTRACE_GETREGSET NT_X86_XSTATE gives it. */
  mvas_xstate?: Uint8Array | undefined;

  /** CPU affinity, the byte mask of sched_getaffinity(2). */
  mvas_cpu_mask?: Uint8Array | undefined;

  /** ioprio_get(2) of the thread. */
  mvas_ioprio?: number | undefined;

  /** Timer slack in nanoseconds. */
  mvas_timerslack?: bigint | undefined;

  /** struct sched_attr, as sched_getattr(2) gives it. */
  mvas_sched_attr?: Uint8Array | undefined;

  /** ERESTART* code (512, 513 or 514) of a system call in progress; gpregs are set to make it again. */
  mvas_restart?: number | undefined;

  /** prctl(PR_GET_TSC) when not the default. */
  mvas_tsc?: number | undefined;

  /** prctl(PR_MCE_KILL_GET) when not the default. */
  mvas_mce_kill?: number | undefined;
}

/** A thread; the leader's entry also has `tc` and `ids`. */
export interface CoreEntry {
  mtype: March;
  thread_info?: ThreadInfoX86 | undefined;
  tc?: TaskCoreEntry | undefined;
  ids?: TaskKobjIdsEntry | undefined;
  thread_core?: ThreadCoreEntry | undefined;
}

/** Field tables of this file's messages. */
export const CORE_MESSAGES = {
  rlimit_entry: [
    ['cur', 1, 'required', 'uint64'],
    ['max', 2, 'required', 'uint64'],
  ],
  task_rlimits_entry: [['rlimits', 1, 'repeated', 'rlimit_entry']],
  task_core_entry: [
    ['task_state', 1, 'required', 'uint32'],
    ['exit_code', 2, 'required', 'uint32'],
    ['personality', 3, 'required', 'uint32'],
    ['flags', 4, 'required', 'uint32'],
    ['blk_sigset', 5, 'required', 'uint64'],
    ['comm', 6, 'required', 'string'],
    ['timers', 7, 'optional', 'task_timers_entry'],
    ['rlimits', 8, 'optional', 'task_rlimits_entry'],
    ['cg_set', 9, 'optional', 'uint32'],
    ['signals_s', 10, 'optional', 'signal_queue_entry'],
    ['old_seccomp_mode', 11, 'optional', 'seccomp_mode'],
    ['old_seccomp_filter', 12, 'optional', 'uint32'],
    ['loginuid', 13, 'optional', 'uint32'],
    ['oom_score_adj', 14, 'optional', 'int32'],
    ['sigactions', 15, 'repeated', 'sa_entry'],
    ['child_subreaper', 18, 'optional', 'bool'],
    ['blk_sigset_extended', 20, 'optional', 'uint64'],
    ['stop_signo', 21, 'optional', 'uint32'],
    ['membarrier_registration_mask', 22, 'optional', 'uint32'],
    ['mvas_personality', 10000, 'optional', 'uint32'],
    ['mvas_coredump_filter', 10001, 'optional', 'uint32'],
    ['mvas_dumpable', 10002, 'optional', 'uint32'],
    ['mvas_thp_disable', 10003, 'optional', 'uint32'],
    ['mvas_mdwe', 10004, 'optional', 'uint32'],
    ['mvas_memory_merge', 10005, 'optional', 'bool'],
    ['mvas_exit_signal', 10006, 'optional', 'uint32'],
  ],
  thread_sas_entry: [
    ['ss_sp', 1, 'required', 'uint64'],
    ['ss_size', 2, 'required', 'uint64'],
    ['ss_flags', 3, 'required', 'uint32'],
  ],
  rseq_entry: [
    ['rseq_abi_pointer', 1, 'required', 'uint64'],
    ['rseq_abi_size', 2, 'required', 'uint32'],
    ['signature', 3, 'required', 'uint32'],
    ['rseq_cs_pointer', 4, 'optional', 'uint64'],
  ],
  thread_core_entry: [
    ['futex_rla', 1, 'required', 'uint64'],
    ['futex_rla_len', 2, 'required', 'uint32'],
    ['sched_nice', 3, 'optional', 'sint32'],
    ['sched_policy', 4, 'optional', 'uint32'],
    ['sched_prio', 5, 'optional', 'uint32'],
    ['blk_sigset', 6, 'optional', 'uint64'],
    ['sas', 7, 'optional', 'thread_sas_entry'],
    ['pdeath_sig', 8, 'optional', 'uint32'],
    ['signals_p', 9, 'optional', 'signal_queue_entry'],
    ['creds', 10, 'optional', 'creds_entry'],
    ['seccomp_mode', 11, 'optional', 'seccomp_mode'],
    ['seccomp_filter', 12, 'optional', 'uint32'],
    ['comm', 13, 'optional', 'string'],
    ['blk_sigset_extended', 14, 'optional', 'uint64'],
    ['rseq_entry', 15, 'optional', 'rseq_entry'],
    ['cg_set', 16, 'optional', 'uint32'],
    ['mvas_xstate', 10000, 'optional', 'bytes'],
    ['mvas_cpu_mask', 10001, 'optional', 'bytes'],
    ['mvas_ioprio', 10002, 'optional', 'int32'],
    ['mvas_timerslack', 10003, 'optional', 'uint64'],
    ['mvas_sched_attr', 10004, 'optional', 'bytes'],
    ['mvas_restart', 10005, 'optional', 'uint32'],
    ['mvas_tsc', 10006, 'optional', 'uint32'],
    ['mvas_mce_kill', 10007, 'optional', 'uint32'],
  ],
  core_entry: [
    ['mtype', 1, 'required', 'march'],
    ['thread_info', 2, 'optional', 'thread_info_x86'],
    ['tc', 3, 'optional', 'task_core_entry'],
    ['ids', 4, 'optional', 'task_kobj_ids_entry'],
    ['thread_core', 5, 'optional', 'thread_core_entry'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const CORE_ENUMS = {
  seccomp_mode: { disabled: 0, strict: 1, filter: 2 },
  march: {
    UNKNOWN: 0,
    X86_64: 1,
    ARM: 2,
    AARCH64: 3,
    PPC64: 4,
    S390: 5,
    MIPS: 6,
    LOONGARCH64: 7,
    RISCV64: 8,
  },
} as const satisfies EnumTables;
