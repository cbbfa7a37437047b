// SPDX-License-Identifier: Apache-2.0
import { mark } from '../common/trace.js';
import { faultPoint } from './faults.js';

/** Stages of a checkpoint in order, and what holds at the end of each. */
export const CHECKPOINT_STAGES = {
  prepare: 'an empty VAS exists, with a holder; the container has not been touched',
  ahead:
    'what is worth it has been copied while the container ran, and what it writes to is tracked',
  seize: 'every thread of the container stands still under our trace',
  inspect: 'everything but the content of memory is known',
  copy: 'the memory is in the VAS, or the kernel has a duplicate of it',
  resume: 'the container runs as if nothing had happened, or is still to be killed',
  fill: 'the memory is in the VAS, and a restore could be planned',
  commit: 'the image directory is complete, and the VAS immutable',
  kill: 'the container is dead, if that was asked for',
} as const;

/** Stages of a restore in order, and what holds at the end of each. */
export const RESTORE_STAGES = {
  find: 'the image is what a checkpoint wrote, and its VAS is here',
  fork: 'a copy of the VAS is PID 1 of a new pid namespace, under our trace',
  open: 'the image is valid',
  donor: 'runc has built the surroundings, and holds them by a process of its own',
  plan: 'every operation of the restore is laid out',
  join: "PID 1 is in the donor's namespaces",
  adopt: "runc takes PID 1 for the container's init; the donor is gone; tmpfs mounts are filled",
  build: 'all processes and threads exist with everything but their registers',
  release: 'they run',
} as const;

/** The name of a stage. */
export type StageName = keyof typeof CHECKPOINT_STAGES | keyof typeof RESTORE_STAGES;

/** Measures the stages of a checkpoint, or of a restore. */
export class StageClock {
  readonly timingsMs: Partial<Record<StageName, number>> = {};
  #last = performance.now();

  /** The time since the last stage belongs to no stage. */
  skip(): void {
    mark('running');
    this.#last = performance.now();
  }

  /** Ends a stage. A fault may be injected here. */
  end(stage: StageName): void {
    const now = performance.now();
    this.timingsMs[stage] = Math.round((now - this.#last) * 1000) / 1000;
    this.#last = now;
    mark(`stage ${stage}`);
    faultPoint(stage);
  }

  /** Sum of some stages, in milliseconds. */
  sum(stages: readonly StageName[]): number {
    const total = stages.reduce((sum, stage) => sum + (this.timingsMs[stage] ?? 0), 0);
    return Math.round(total * 1000) / 1000;
  }
}
