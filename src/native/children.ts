// SPDX-License-Identifier: Apache-2.0
import { asHostPid, type HostPid } from '../common/ids.js';
import { spawn, syscall } from './index.js';
import { check, SYS } from './sys.js';

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
/** Only children of the calling thread: never those that another thread of ours traces. */
const WNOTHREAD = 0x20000000;
const WNOWAIT = 0x01000000;
const FLAGS = WNOHANG | WEXITED | WNOTHREAD;
const CLD_EXITED = 1;
/** CLD_EXITED, CLD_KILLED, CLD_DUMPED. */
const ENDS = new Set([CLD_EXITED, 2, 3]);
const SIGKILL = 9;
/** In case a signal is lost. */
const LOOK_MS = 1_000;

/** A program to run, with its descriptors from 0 on; null stands for /dev/null. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly fds: readonly (number | null)[];
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
  /** Starts it in a session of its own and in `/`, and lets this process end before it. */
  readonly isDaemon?: boolean;
}

/** A program that has been started. */
export interface Child {
  readonly pid: HostPid;
  /** Its status once it has ended, and is reaped: 128 + signal if one has killed it; `'unknown'` if somebody else has reaped it. */
  readonly ended: Promise<number | 'unknown'>;
}

/**
 * Starts a program. `child_process` would first copy our page tables, which takes ten times as long in a process of
 * 100 MiB.
 *
 * @throws ShimError by errno if it cannot be started
 */
export function startChild(program: Program): Child {
  const { file, args, env, fds, isDaemon = false } = program;
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`);
  const given = fds.map((fd) => fd ?? -1);
  const result = spawn([file, ...args], lines, given, isDaemon);
  const pid = asHostPid(check(`spawn ${file}`, result));
  return { pid, ended: endOf(pid, program) };
}

/** Looks whether a child has ended, one for each child. */
const looks = new Map<HostPid, () => void>();

function lookAtAll(): void {
  for (const look of looks.values()) look();
}

/** Whether {@link Child.ended} waits for a process: nobody else may reap it. */
export function isAwaited(pid: HostPid): boolean {
  return looks.has(pid);
}

function endOf(pid: HostPid, { signal, isDaemon }: Program): Promise<number | 'unknown'> {
  return new Promise((resolve) => {
    const look = (): void => {
      const status = reapChild(pid);
      if (status === 'running') return;
      clearInterval(timer);
      looks.delete(pid);
      if (looks.size === 0) process.off('SIGCHLD', lookAtAll);
      signal?.removeEventListener('abort', kill);
      resolve(status);
    };
    const kill = (): void => {
      syscall(SYS.kill, pid, SIGKILL); // Until it is reaped, the pid is its; nobody is there to hear of a failure.
    };
    const timer = setInterval(look, LOOK_MS);
    if (isDaemon) timer.unref();
    if (looks.size === 0) process.on('SIGCHLD', lookAtAll);
    looks.set(pid, look);
    signal?.addEventListener('abort', kill);
    if (signal?.aborted) kill();
    look(); // It may have ended before anybody listened.
  });
}

/**
 * Reaps a child that has exited: returns its status as a shell counts it (128 + signal). `'running'` while it is
 * alive; `'unknown'` if it is not a child of ours, or has been reaped.
 *
 * Looks before it reaps: while another thread of ours traces the child, waitid(2) also offers this thread the stops
 * that are the tracer's (kernel/exit.c, wait_consider_task), whatever flags are given.
 */
export function reapChild(pid: HostPid): number | 'running' | 'unknown' {
  const status = lookAtChild(pid);
  if (typeof status === 'number') syscall(SYS.waitid, P_PID, pid, null, FLAGS, null);
  return status;
}

/**
 * The same without reaping it. A process whose first thread has ended before others is `'running'`, though proc(5) has it as a
 * zombie: its parent hears of its end only when the last one has ended.
 */
export function lookAtChild(pid: HostPid): number | 'running' | 'unknown' {
  const info = Buffer.alloc(128);
  const looked = syscall(SYS.waitid, P_PID, pid, info, FLAGS | WNOWAIT, null);
  if (looked < 0) return 'unknown';
  // siginfo_t: si_code at 8, si_pid at 16, si_status at 24; si_pid is 0 if nothing has happened.
  const code = info.readInt32LE(8);
  if (info.readInt32LE(16) === 0 || !ENDS.has(code)) return 'running';
  const status = info.readInt32LE(24);
  return code === CLD_EXITED ? status : 128 + status;
}
