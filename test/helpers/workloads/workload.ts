// SPDX-License-Identifier: Apache-2.0

/**
 * A program in a container that can be asked about its memory from outside. Two answers tell whether
 * the later one comes from the same life of the program: its `birth` is chosen once, in memory, and
 * `progress` only grows, also in memory.
 */
export interface Workload {
  readonly name: string;
  /** Name of the image in containerd. */
  readonly image: string;
  /** Makes the image's archive, or finds it in the cache. */
  readonly archive: () => Promise<string>;
  /** Number of processes, init included; undefined where children come and go. */
  readonly processes?: number;
  /**
   * How far the first of its counters has to be ahead of a checkpoint, so that no restored instance can
   * get there while a test looks at it. Observing may count as well.
   */
  readonly ahead?: number;
  /** Asks the instance whose init has this pid; waits until it answers. */
  readonly observe: (pid: number) => Promise<Observation>;
  /** Puts something large or lasting into the instance's memory before it is checkpointed. */
  readonly prepare?: (pid: number) => Promise<void>;
  /** Changes what {@link Observation.fixed} tells of this instance. */
  readonly mutate?: (pid: number) => Promise<void>;
}

/** One answer of a workload. */
export interface Observation {
  /** What this life of the program chose at random, or read once, when it began. */
  readonly birth: string;
  /** Counters that never go back within a life, by name. */
  readonly progress: Readonly<Record<string, number>>;
  /** What must not change at all between checkpoint and restore: digests, numbers of keys. */
  readonly fixed?: Readonly<Record<string, string | number>>;
}
