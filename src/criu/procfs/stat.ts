// SPDX-License-Identifier: Apache-2.0
import { asHostPid, asHostTid, type HostPid, type HostTid } from '../../common/ids.js';
import { Line, toText, type ProcText } from '../../common/procfs/line.js';

const TASK_STATES = ['R', 'S', 'D', 'T', 't', 'Z', 'X', 'x', 'K', 'W', 'P', 'I'] as const;

/**
 * State of a task: running, sleeping, uninterruptible, stopped by job control (`T`) or a tracer (`t`),
 * zombie, dead (`X`), parked (`P`), idle kernel thread (`I`). Source: task_state_array in
 * fs/proc/array.c; `x K W` occur before Linux 4.14.
 */
export type TaskState = (typeof TASK_STATES)[number];

/** /proc/PID/stat or /proc/PID/task/TID/stat. Source: proc_pid_stat(5), fs/proc/array.c. */
export interface ProcStat {
  readonly pid: HostTid;
  /** Name of the task, up to 15 bytes of any kind. Kernel threads may have more. */
  readonly comm: string;
  readonly state: TaskState;
  /** 0 if the parent is outside the reader's pid namespace. */
  readonly ppid: HostPid;
  readonly pgrp: number;
  readonly session: number;
  /** Device number of the controlling terminal as the kernel encodes it; 0 if there is none. */
  readonly ttyNr: number;
  /** Foreground process group of the terminal; -1 if there is none. */
  readonly tpgid: number;
  /** PF_* bits of the kernel. */
  readonly flags: number;
  readonly nice: number;
  readonly numThreads: number;
  /** Clock ticks (1/100 s) since boot at which the task started. */
  readonly startTime: bigint;
  /** Without the right to trace the task, the addresses below are 0 or 1. */
  readonly startCode: bigint;
  readonly endCode: bigint;
  readonly startStack: bigint;
  /** Signal that its parent gets at its death; -1 for a thread that is not the leader. */
  readonly exitSignal: number;
  readonly rtPriority: number;
  /** SCHED_* policy, without SCHED_RESET_ON_FORK. */
  readonly policy: number;
  readonly startData: bigint;
  readonly endData: bigint;
  readonly startBrk: bigint;
  readonly argStart: bigint;
  readonly argEnd: bigint;
  readonly envStart: bigint;
  readonly envEnd: bigint;
  /** Wait status of a zombie, as in wait(2); 0 without the right to trace the task. */
  readonly exitCode: number;
}

/** The few fields of a stat file that say what a task is doing. */
export type Vitals = Pick<ProcStat, 'state' | 'ppid' | 'flags' | 'numThreads' | 'exitCode'>;

/** Parses only these: they are read again and again. */
export function parseVitals(content: ProcText): Vitals {
  const line = new Line('stat', toText(content));
  const fields = line.text
    .slice(line.text.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ');
  return {
    state: parseTaskState(line, fields[0]),
    ppid: asHostPid(line.integer(fields[1])),
    flags: line.integer(fields[6]),
    numThreads: line.integer(fields[17]),
    exitCode: line.integer(fields[49]),
  };
}

/** Parses a stat file: `PID (COMM) STATE …`, where COMM may contain spaces, parentheses, line feeds. */
export function parseStat(content: ProcText): ProcStat {
  const line = new Line('stat', toText(content));
  const [, pid, comm, rest] = line.match(/^([0-9]+) \((.*)\) ([A-Za-z] [-0-9 ]+)\n?$/s);
  const fields = line.present(rest).split(' ');
  const at = (number: number): string | undefined => fields[number - 3];
  const integer = (number: number): number => line.integer(at(number));
  const big = (number: number): bigint => line.bigInteger(at(number));
  return {
    pid: asHostTid(line.integer(pid)),
    comm: comm ?? '',
    state: parseTaskState(line, at(3)),
    ppid: asHostPid(integer(4)),
    pgrp: integer(5),
    session: integer(6),
    ttyNr: integer(7),
    tpgid: integer(8),
    flags: integer(9),
    nice: integer(19),
    numThreads: integer(20),
    startTime: big(22),
    startCode: big(26),
    endCode: big(27),
    startStack: big(28),
    exitSignal: integer(38),
    rtPriority: integer(40),
    policy: integer(41),
    startData: big(45),
    endData: big(46),
    startBrk: big(47),
    argStart: big(48),
    argEnd: big(49),
    envStart: big(50),
    envEnd: big(51),
    exitCode: integer(52),
  };
}

/** The state that a letter stands for, or an error about the line. */
export function parseTaskState(line: Line, letter: string | undefined): TaskState {
  return TASK_STATES.find((state) => state === letter) ?? line.fail();
}

/** PF_IO_WORKER (Linux 5.12). */
const IO_WORKER = 0x10;

/**
 * Whether a thread is the kernel's, which makes such for an io_uring: it has no registers of its own, and need not be
 * restored.
 */
export function isWorker({ flags }: Pick<Vitals, 'flags'>): boolean {
  return (flags & IO_WORKER) !== 0;
}
