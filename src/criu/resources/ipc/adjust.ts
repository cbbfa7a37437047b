// SPDX-License-Identifier: Apache-2.0
import { IPC_NOWAIT, SEM_MAX, SEM_UNDO, type SemOp } from './abi.js';

/**
 * Operations of a process, to be made in turn, that leave a semaphore as it is, and have the kernel add so much to it
 * when the process ends.
 *
 * @param current the value of the semaphore
 * @param adjustment from -32768 to 32767
 */
export function adjustmentOps(index: number, current: number, adjustment: number): SemOp[][] {
  const calls: SemOp[][] = [];
  // In either direction there may be room for a part of it only.
  const most = Math.max(current, SEM_MAX - current);
  for (let rest = Math.abs(adjustment); rest > 0;) {
    const part = Math.min(rest, most);
    const flags = IPC_NOWAIT;
    const [up, down]: [SemOp, SemOp] = [
      { index, op: part, flags },
      { index, op: -part, flags },
    ];
    // What is undone is the opposite of what is done.
    const undone = adjustment > 0 ? down : up;
    const ops = current + part <= SEM_MAX ? [up, down] : [down, up];
    calls.push(
      ops.map((op) => ({ ...op, flags: op === undone ? IPC_NOWAIT | SEM_UNDO : IPC_NOWAIT })),
    );
    rest -= part;
  }
  return calls;
}
