// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import {
  checkRegisters,
  checkXstate,
  encodeFpregs,
  encodeRegisters,
  finalRegisters,
} from '../../arch/index.js';
import type { CoreEntry } from '../../image/types.js';

/** What a tracer sets in a thread right before it lets it go. */
export interface FinalThreadState {
  /** `struct user_regs_struct`; the kernel restarts a call in progress when the thread resumes. */
  readonly registers: Uint8Array;
  /** For PTRACE_SETREGSET of its note. */
  readonly xstate: Uint8Array;
  readonly signalMask: bigint;
}

/**
 * Registers, extended state and signal mask of a thread, from its entry.
 *
 * @param xstateSize its size on this machine in bytes: an area of that size is created if the image (written by
 * CRIU) has none
 * @throws ShimError `dataLoss` for registers that cannot belong to a 64-bit program
 */
export function finalThreadState(core: CoreEntry, xstateSize: number): FinalThreadState {
  const info = core.thread_info ?? badImage('a thread without registers');
  const thread = core.thread_core;
  checkRegisters('a thread', info.gpregs);
  const xstate = thread?.mvas_xstate ?? padded(encodeFpregs(info.fpregs), xstateSize);
  checkXstate('a thread', xstate);
  return {
    registers: encodeRegisters(finalRegisters(info.gpregs, thread?.mvas_restart)),
    xstate,
    signalMask: thread?.blk_sigset ?? core.tc?.blk_sigset ?? 0n,
  };
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const area = new Uint8Array(Math.max(size, bytes.length));
  area.set(bytes);
  return area;
}
