// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../common/errors.js';
import type { HostPid, HostTid, NsPid, NsTid } from '../../common/ids.js';
import { SIGTRAP } from '../../native/abi/index.js';
import type { ThreadState, Tracer } from '../../native/index.js';
import { readProcess, writeProcess } from '../../native/sys.js';
import {
  frameStack,
  interruptedCall,
  registerWords,
  sentTo,
  TWIN_END,
  type HomeState,
} from '../arch/index.js';
import type { ProcStatus } from '../procfs/status.js';
import { notTraced } from './not-traced.js';
import { encodeCalls, SUSPEND_SECCOMP, WORDS_PER_CALL } from './remote-calls.js';
import type { Batching, LookAt, RemoteCall, Tracee } from './tracee.js';

const SIGTRAP_BIT = 1n << BigInt(SIGTRAP - 1);

/** Ids of a thread on the host and in its container, its name in messages, and what /proc says of it. */
export interface ThreadIds {
  readonly label: string;
  readonly pid: HostPid;
  readonly tid: HostTid;
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
  readonly status: ProcStatus;
  readonly lookAt?: LookAt;
}

/** Where a thread makes remote calls, and finds its way home. */
export interface CallSite {
  readonly code: bigint;
  readonly frame: bigint;
  readonly scratch: { readonly address: bigint; readonly size: number };
  /** Code that makes a twin of the process. */
  readonly twin: bigint;
}

/** Code that makes all calls of a table, and the table. */
export type BatchSite = Pick<Batching, 'code' | 'table'>;

/** A stopped thread under our trace. */
export class StoppedThread implements Tracee {
  readonly pid: HostPid;
  readonly tid: HostTid;
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
  readonly label: string;
  readonly state: ThreadState;
  readonly status: ProcStatus;
  readonly #tracer: Tracer;
  readonly #lookAt: LookAt | undefined;
  #site: CallSite | undefined;
  #batches: BatchSite | undefined;
  #isTouched = false;
  /** Registers it resumes with if it is left running; they differ from `state` only for a reason. */
  resume: Uint8Array;

  constructor(tracer: Tracer, ids: ThreadIds, state: ThreadState) {
    this.#tracer = tracer;
    this.pid = ids.pid;
    this.tid = ids.tid;
    this.nsPid = ids.nsPid;
    this.nsTid = ids.nsTid;
    this.label = ids.label;
    this.status = ids.status;
    this.#lookAt = ids.lookAt;
    this.state = state;
    this.resume = state.registers;
  }

  /** Registers as words. */
  get registers(): BigUint64Array {
    return registerWords(this.state.registers);
  }

  /** The frame that brings the thread home. */
  get home(): HomeState {
    const registers = registerWords(this.resume);
    const { xstate, signalMask } = this.state;
    const call = interruptedCall(registers, (...at) => this.#readIfAny(...at));
    return { registers, xstate, signalMask, call };
  }

  get batching(): Batching | undefined {
    return this.#batches && { tracer: this.#tracer, ...this.#batches };
  }

  get scratch(): { readonly address: bigint; readonly size: number } {
    return this.#callSite().scratch;
  }

  /**
   * Sends the thread to its call site: if we die from now on, it goes home by itself. Then all signals are blocked.
   */
  async settle(site: CallSite): Promise<void> {
    this.settleAt(site);
    const error = await this.#tracer.settle(this.tid, toBytes(sentTo(site, this.registers)));
    if (error !== 0) {
      throw notTraced(`set registers of ${this.label}`, error);
    }
  }

  /** Is told that the tracer sends the thread to its call site, or has done so. */
  settleAt(site: CallSite): void {
    this.#site = site;
    this.#isTouched = true;
  }

  /** Is told that the tracer makes a call that leaves the thread as it was, unless it fails. */
  expose(): void {
    this.#isTouched = true;
  }

  /** It has not been made, or has left the thread as it was. */
  unexposed(): void {
    this.#isTouched = false;
  }

  /**
   * Lets a thread at its call site make many calls at a time, if nothing in its process is in the way of a
   * breakpoint.
   */
  batchBy(site: BatchSite): void {
    const { ignored, pending, sharedPending } = this.status.signals;
    if (((ignored | pending | sharedPending) & SIGTRAP_BIT) === 0n) this.#batches = site;
  }

  async remote(calls: readonly RemoteCall[]): Promise<bigint[]> {
    const site = this.#callSite();
    if (this.#batches) return this.#batch(this.#batches, calls);
    return this.#call(site.code, frameStack(site.frame), calls);
  }

  async #batch({ code, table }: BatchSite, calls: readonly RemoteCall[]): Promise<bigint[]> {
    const results: bigint[] = [];
    const most = Math.floor(table.size / (WORDS_PER_CALL * 8));
    for (let at = 0; at < calls.length; at += most) {
      const words = encodeCalls(calls.slice(at, at + most));
      const made = await this.#tracer.batchCalls(this.tid, code, table.address, words);
      results.push(...this.#results(made));
    }
    return results;
  }

  /**
   * Makes a twin of the process; see {@link Tracer.makeTwin}, also for the words that this resolves with.
   *
   * @param calls what the twin calls
   */
  async makeTwin(clone: RemoteCall, calls: readonly RemoteCall[]): Promise<BigInt64Array> {
    const { twin, frame } = this.#callSite();
    const options = this.status.seccomp === 0 ? 0 : SUSPEND_SECCOMP;
    const words = encodeCalls([clone, ...calls]);
    const end = twin + BigInt(TWIN_END);
    return this.#tracer.makeTwin(this.tid, twin, end, frameStack(frame), options, words);
  }

  /**
   * Makes calls by another `syscall` instruction, without a way home: for the calls that create and remove the call
   * site itself. Afterwards the thread stands as it was found.
   */
  async exposedRemote(instruction: bigint, calls: readonly RemoteCall[]): Promise<bigint[]> {
    this.#isTouched = true;
    const { signalMask } = this.state;
    const words = encodeCalls(calls);
    const results = this.#results(
      await this.#tracer.exposedCalls(this.tid, instruction, this.resume, signalMask, words),
    );
    this.#isTouched = false;
    this.#site = undefined;
    this.#batches = undefined;
    return results;
  }

  async #call(instruction: bigint, stack: bigint, calls: readonly RemoteCall[]): Promise<bigint[]> {
    const words = encodeCalls(calls);
    return this.#results(await this.#tracer.remoteCalls(this.tid, instruction, stack, words));
  }

  #results([error = 0n, ...results]: BigInt64Array): bigint[] {
    if (error !== 0n) {
      throw notTraced(`make a system call in ${this.label}`, Number(error));
    }
    return results;
  }

  readMemory(address: bigint, length: number): Uint8Array {
    this.#lookAt?.(`memory of ${this.label} at 0x${address.toString(16)}`);
    return readProcess(this.pid, address, length, this.label);
  }

  writeMemory(address: bigint, bytes: Uint8Array): void {
    writeProcess(this.pid, address, bytes, this.label);
  }

  /** Puts back registers and signal mask. Never throws: a thread that refuses has died. */
  async putBack(): Promise<void> {
    if (!this.#isTouched) return;
    // The mask first, while the registers still lead home.
    await this.#tracer.writeThread(this.tid, this.resume, null, this.state.signalMask);
    this.#isTouched = false;
    this.#site = undefined;
    this.#batches = undefined;
  }

  #readIfAny(address: bigint, length: number): Uint8Array | undefined {
    try {
      return this.readMemory(address, length);
    } catch {
      return undefined; // Code at the very beginning of a mapping.
    }
  }

  #callSite(): CallSite {
    assertInvariant(this.#site !== undefined, `${this.label} has no call site`);
    return this.#site;
  }
}

function toBytes(words: BigUint64Array): Uint8Array {
  return new Uint8Array(words.buffer);
}
