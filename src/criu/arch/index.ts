// SPDX-License-Identifier: Apache-2.0
/*
 * What the engine has to know about the processor. Another architecture is another folder with the same exports,
 * and is chosen here.
 */

/** Registers: their bytes as ptrace provides them, their words, and their fields in an image. */
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
/** Rights to memory with protection keys, which are part of it. */
export { haveChanged, rightsProblem } from './x86-64/rights.js';
/** System calls that were interrupted and are to be restarted. */
export { finalRegisters, interruptedCall, resolveRestart } from './x86-64/restart.js';
/** Code that makes system calls, and the signal frame that leads home from it. */
export {
  BATCH_CODE,
  buildFrame,
  FRAME_POINTERS,
  frameSize,
  frameStack,
  HOME_CODE,
  sendTo,
  sentTo,
  SYSCALL_INSTRUCTION,
  TWIN_CODE,
  TWIN_END,
  type HomeState,
} from './x86-64/home.js';
/** Other properties of threads and processes, and the name of the architecture. */
export { PROCESS_QUERIES, archProcessProblems } from './x86-64/process.js';
export {
  ARCHITECTURE,
  MACHINE,
  THREAD_QUERIES,
  threadFields,
  threadInfo,
  archThreadProblems,
} from './x86-64/thread.js';
/** A thread of an image that nobody has taken. */
export { SAMPLE_THREAD } from './x86-64/sample.js';
