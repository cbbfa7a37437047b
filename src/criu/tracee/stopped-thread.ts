// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../common/errors.js';
import type { HostPid, HostTid, NsPid, NsTid } from '../../common/ids.js';
import type { ThreadState, Tracer } from '../../native/index.js';
import { errnoName, readProcess, writeProcess } from '../../native/sys.js';
import {
  CODE_WINDOW,
  frameStack,
  interruptedCall,
  registerWords,
  sentTo,
  type HomeState,
} from '../arch/index.js';
import type { ProcStatus } from '../procfs/status.js';
import { Momentary } from '../retry.js';
import { encodeCalls } from './remote-calls.js';
import type { LookAt, RemoteCall, Tracee } from './tracee.js';

const ALL_SIGNALS = 0xffffffffffffffffn;

/** Ids of a thread, on the host and in its container, how messages name it, and what /proc says of it. */
export interface ThreadIds {
  readonly label: string;
  readonly pid: HostPid;
  readonly tid: HostTid;
  readonly nsPid: NsPid;
  readonly nsTid: NsTid;
  readonly status: ProcStatus;
  readonly lookAt?: LookAt;
}

/** Where a thread makes remote calls, and finds its way home from. */
export interface CallSite {
  readonly code: bigint;
  readonly frame: bigint;
  readonly scratch: { readonly address: bigint; readonly size: number };
}

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
  #isTouched = false;
  /** Registers it resumes with when it is left running; differ from `state` only for a reason. */
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

  /** What brings the thread home. */
  get home(): HomeState {
    const registers = registerWords(this.resume);
    const { xstate, signalMask } = this.state;
    const call = interruptedCall(registers, (end) => this.#codeBefore(end));
    return { registers, xstate, signalMask, call };
  }

  get scratch(): { readonly address: bigint; readonly size: number } {
    return this.#callSite().scratch;
  }

  /**
   * Sends the thread to its call site: should we die from now on, it goes home by itself. Then all
   * signals are blocked.
   */
  async settle(site: CallSite): Promise<void> {
    const registers = toBytes(sentTo(site, this.registers));
    this.#site = site;
    this.#isTouched = true;
    await this.#write(registers, null, null);
    await this.#write(registers, null, ALL_SIGNALS);
  }

  async remote(calls: readonly RemoteCall[]): Promise<bigint[]> {
    const site = this.#callSite();
    return this.#call(site.code, frameStack(site.frame), calls);
  }

  /**
   * Makes calls by another `syscall` instruction, where there is no way home: for the calls that make
   * and remove the call site itself. Then the thread stands as it was found.
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
    return results;
  }

  async #call(instruction: bigint, stack: bigint, calls: readonly RemoteCall[]): Promise<bigint[]> {
    const words = encodeCalls(calls);
    return this.#results(await this.#tracer.remoteCalls(this.tid, instruction, stack, words));
  }

  #results([error = 0n, ...results]: BigInt64Array): bigint[] {
    if (error !== 0n) {
      const what = `make a system call in ${this.label}`;
      throw new Momentary('aborted', `${what}: ${errnoName(Number(error))}`);
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

  /** Registers and signal mask as they were. Never throws: a thread that refuses has died. */
  async putBack(): Promise<void> {
    if (!this.#isTouched) return;
    // The mask first, while the registers still lead home.
    await this.#tracer.writeThread(this.tid, this.resume, null, this.state.signalMask);
    this.#isTouched = false;
    this.#site = undefined;
  }

  async #write(registers: Uint8Array, xstate: Uint8Array | null, mask: bigint | null) {
    const error = await this.#tracer.writeThread(this.tid, registers, xstate, mask);
    if (error !== 0) {
      throw new Momentary('aborted', `set registers of ${this.label}: ${errnoName(error)}`);
    }
  }

  #codeBefore(end: bigint): Uint8Array | undefined {
    try {
      return this.readMemory(end - BigInt(CODE_WINDOW), CODE_WINDOW);
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
