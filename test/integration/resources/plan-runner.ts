// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../src/common/errors.js';
import { HEADER, OP, OP_CODE, OP_FLAG, OP_SIZE } from '../../../src/criu/plan/abi.js';
import type { Plan } from '../../../src/criu/plan/builder.js';
import type { Sequence } from '../../../src/criu/plan/sequence.js';
import { readMaps } from '../../../src/criu/procfs/reader.js';
import { syscallInstruction } from '../../../src/criu/tracee/syscall-page.js';
import type { StoppedThread } from '../../../src/criu/tracee/stopped-thread.js';
import { errnoName, SYS } from '../../../src/native/sys.js';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const EAGAIN = -11n;

/**
 * Runs sequences of a plan in stopped threads, each operation by a remote call: what the restorer's
 * interpreter does, without a restorer.
 */
export class PlanRunner {
  readonly #plan: Plan;
  readonly #view: Buffer;
  readonly #base: bigint;
  readonly #slots: bigint[];

  private constructor(plan: Plan, base: bigint) {
    this.#plan = plan;
    this.#base = base;
    this.#view = Buffer.from(plan.bytes);
    this.#slots = Array<bigint>(Number(this.#view.readBigUInt64LE(HEADER.slots))).fill(0n);
  }

  /** Maps a plan into a process by its leader, which must not be ready for remote calls yet. */
  static async map(leader: StoppedThread, plan: Plan): Promise<PlanRunner> {
    const args = [0, plan.bytes.length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0];
    const instruction = syscallInstruction(leader, readMaps(leader.pid));
    const [base = -1n] = await leader.exposedRemote(instruction, [{ nr: SYS.mmap, args }]);
    await leader.putBack();
    leader.writeMemory(base, plan.bytes);
    return new PlanRunner(plan, base);
  }

  /**
   * Runs a sequence to its end, or only the operations whose words match; throws with the words of the
   * operation that failed.
   */
  async run(thread: StoppedThread, sequence: Sequence, only = /./): Promise<void> {
    for (const [index, { what }] of sequence.operations.entries()) {
      if (only.test(what)) await this.#operate(thread, sequence.offset + index * OP_SIZE);
    }
  }

  async #operate(thread: StoppedThread, at: number): Promise<void> {
    const flags = this.#view.readUInt32LE(at + OP.flags);
    const result = await this.#execute(thread, at, this.#arguments(at, flags));
    const has = (flag: number): boolean => (flags & flag) !== 0;
    if (has(OP_FLAG.store)) this.#slots[Number(this.#view.readBigUInt64LE(at + OP.slot))] = result;
    if (has(OP_FLAG.tolerate) || result >= 0n || result < -4095n) return;
    const words = this.#plan.describe(BigInt(at));
    throw new ShimError('internal', `${words}: ${errnoName(Number(result))}`);
  }

  #arguments(at: number, flags: number): bigint[] {
    return [0, 1, 2, 3, 4, 5].map((index) => {
      const value = this.#view.readBigUInt64LE(at + OP.args + index * 8);
      if ((flags & OP_FLAG.slot(index)) !== 0) return this.#slots[Number(value)] ?? 0n;
      return (flags & OP_FLAG.offset(index)) !== 0 ? this.#base + value : value;
    });
  }

  async #execute(thread: StoppedThread, at: number, args: readonly bigint[]): Promise<bigint> {
    const code = this.#view.readUInt32LE(at + OP.code);
    const [first = 0n, second = 0n] = args;
    if (code === OP_CODE.poke) {
      const word = Buffer.alloc(8);
      word.writeBigUInt64LE(second);
      thread.writeMemory(first, word);
      return 0n;
    }
    if (code === OP_CODE.drainSignals) return await drain(thread, first);
    if (code !== OP_CODE.syscall) throw new ShimError('internal', `operation ${String(code)}`);
    const nr = Number(this.#view.readBigUInt64LE(at + OP.nr));
    const [result = 0n] = await thread.remote([{ nr, args }]);
    return result;
  }
}

/** rt_sigtimedwait(2) without waiting, until nothing is left. */
async function drain(thread: StoppedThread, mask: bigint): Promise<bigint> {
  const none = thread.scratch.address;
  thread.writeMemory(none, new Uint8Array(16));
  for (;;) {
    const args = [mask, 0, none, 8];
    const [result = 0n] = await thread.remote([{ nr: SYS.rt_sigtimedwait, args }]);
    if (result < 0n) return result === EAGAIN ? 0n : result;
  }
}
