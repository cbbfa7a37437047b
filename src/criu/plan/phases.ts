// SPDX-License-Identifier: Apache-2.0

/**
 * The points at which a restore stands still, in order, and what holds there. From `joined` on, all
 * processes or threads that exist by then stand at a phase together before any of them goes on.
 */
export const PHASES = {
  joined: 'PID 1 is in the namespaces of the container',
  forked: 'every process exists, in its session; all early files are open in every one',
  grouped: 'every process is in its process group, except for leaders that have left theirs',
  left: 'these, too',
  orphaned: 'PID 1 is the parent of all zombies that it inherited',
  duplicated: "every process runs in the kernel's duplicate of its memory",
  placed: 'descriptors, memory, working directory and root are in place in every process',
  confined: 'every thread has its attributes, and none has the privileges of the host',
  done: 'only registers, job control and the memory of the restorer itself are still to be dealt with',
} as const;

/** The name of a phase. */
export type Phase = keyof typeof PHASES;

/** A phase of one restore, and how many processes or threads stand there. */
export interface Barrier {
  readonly phase: Phase;
  readonly standing: number;
}
