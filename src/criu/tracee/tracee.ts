// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid, NsPid, NsTid } from '../../common/ids.js';
import type { ThreadState, Tracer } from '../../native/index.js';
import type { ProcStatus } from '../procfs/status.js';
import type { StillProcess } from '../procfs/still-process.js';

/** One system call to be made inside a tracee: its number and up to six arguments. */
export interface RemoteCall {
  readonly nr: number;
  readonly args: readonly (number | bigint)[];
}

/** Where a thread makes all calls of a table, and who makes it do so. */
export interface Batching {
  readonly tracer: Pick<Tracer, 'batchMany'>;
  readonly code: bigint;
  readonly table: { readonly address: bigint; readonly size: number };
}

/** A stopped thread under our trace. */
export interface Tracee {
  /** Thread and process id in the engine's own pid namespace. */
  readonly tid: HostTid;
  readonly pid: HostPid;
  /** The container ids. */
  readonly nsTid: NsTid;
  readonly nsPid: NsPid;
  /** Its name in messages: `pid 7 (java) tid 12`. */
  readonly label: string;
  /** Registers, xstate, signals as they were when it stopped. */
  readonly state: ThreadState;
  /** Its /proc/PID/task/TID/status at that time. */
  readonly status: ProcStatus;
  /**
   * Makes system calls inside the thread, in order; meanwhile all signals are blocked, and seccomp is suspended.
   * Resolves with the raw results (`-errno` on failure). A call must not block.
   */
  remote(calls: readonly RemoteCall[]): Promise<bigint[]>;
  /** How it makes many calls at a time; undefined if something is in the way. */
  readonly batching?: Batching | undefined;
  /** Scratch memory inside the process (shared by its threads), for arguments and results of remote calls. */
  readonly scratch: { readonly address: bigint; readonly size: number };
  /** Reads and writes memory of the process (process_vm_readv(2), /proc/PID/mem). */
  readMemory(address: bigint, length: number): Uint8Array;
  writeMemory(address: bigint, bytes: Uint8Array): void;
}

/**
 * Is told what will be looked at next that a process of the container may serve: `pid 7 (cat) fd 3`, and its path
 * in the container if it has one. May throw: see standstill.ts.
 */
export type LookAt = (what: string, path?: string) => void;

/** A thread by its host id, and its name in messages. */
export type NamedThread = Pick<Tracee, 'tid' | 'label'>;

/** A stopped process of the container: its leader first, then its other threads. */
export interface TracedProcess {
  readonly pid: HostPid;
  readonly nsPid: NsPid;
  /** Its name in messages: `pid 7 (nginx)`. */
  readonly label: string;
  readonly leader: Tracee;
  readonly threads: readonly Tracee[];
  /** What /proc said of it once it was stopped. */
  readonly proc: StillProcess;
  readonly lookAt?: LookAt;
}
