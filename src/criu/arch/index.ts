// SPDX-License-Identifier: Apache-2.0
/*
 * What the engine has to know of the processor. Another architecture is another folder that exports the same, and
 * is chosen here.
 */

/** Registers: their bytes as ptrace has them, their words, and their fields in an image. */
export {
  checkRegisters,
  decodeRegisters,
  encodeRegisters,
  instructionPointer,
  registersProblem,
  registerWords,
  stackPointer,
} from './x86-64/registers.js';
/** Extended state. */
export { checkXstate, encodeFpregs, EXTENDED_BYTES } from './x86-64/xstate.js';
/** System calls that were interrupted, and are to be made again. */
export { finalRegisters, interruptedCall, resolveRestart } from './x86-64/restart.js';
/** Code that makes system calls, and the signal frame that leads home from there. */
export {
  BATCH_CODE,
  buildFrame,
  frameSize,
  frameStack,
  HOME_CODE,
  sentTo,
  SYSCALL_INSTRUCTION,
  type HomeState,
} from './x86-64/home.js';
/** What else threads and processes have, and what the architecture is called. */
export { PROCESS_QUERIES, archProcessProblems } from './x86-64/process.js';
export {
  ARCHITECTURE,
  MACHINE,
  THREAD_QUERIES,
  threadFields,
  threadInfo,
  archThreadProblems,
} from './x86-64/thread.js';
