// SPDX-License-Identifier: Apache-2.0
import { AT_FDCWD, PR, SYS } from '../../native/abi/index.js';
import type { PlanBuilder } from './builder.js';
import type { Slot } from './values.js';
import type { Sequence } from './sequence.js';
import type { LiveFacts } from './live-facts.js';

const CLONE_NEWNS = 0x00020000;
/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWNET: the donor's namespaces that PID 1 joins (linux/sched.h). */
export const JOINED = CLONE_NEWNS | 0x02000000 | 0x04000000 | 0x08000000 | 0x40000000;
/** open_tree(2): CLONE, CLOEXEC, and AT_RECURSIVE. */
const TREE = 0x1 | 0x80000 | 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MNT_DETACH = 2;

/** Whose place a container takes; `slot` has a pidfd of its init. */
type Predecessor = NonNullable<LiveFacts['predecessor']> & { readonly slot: Slot };

/** What PID 1 joins, and the descriptor: all namespaces of the donor, or one of them by its link in /proc/PID/ns. */
export interface Joined {
  readonly given: 'donor' | { readonly namespace: string };
  readonly slot: Slot;
}

/** The descriptors that joining takes. */
export function joinedIn({ userNamespace }: LiveFacts): Joined['given'][] {
  return userNamespace?.joined.map((namespace) => ({ namespace })) ?? ['donor'];
}

/**
 * Makes a process root of the user namespace that it has entered: the host's root, which it was, is nobody there. A change of
 * ids hides a process from itself in /proc, unless it may be dumped.
 */
export function planRoot(sequence: Sequence): void {
  sequence.syscall('leave the groups of the host', SYS.setgroups, [0, 0]);
  sequence.syscall('become root of the user namespace (gid)', SYS.setresgid, [0, 0, 0]);
  sequence.syscall('become root of the user namespace (uid)', SYS.setresuid, [0, 0, 0]);
  sequence.syscall('be seen', SYS.prctl, [PR.setDumpable, 1, 0, 0, 0]);
}

/** How PID 1 gets into the surroundings that the donor has. */
export class JoinPlan {
  readonly #builder: PlanBuilder;
  readonly #joined: readonly Joined[];
  readonly #predecessor: Predecessor | undefined;

  constructor(
    builder: PlanBuilder,
    joined: readonly Joined[],
    predecessor: Predecessor | undefined,
  ) {
    this.#builder = builder;
    this.#joined = joined;
    this.#predecessor = predecessor;
  }

  /** Joins the donor's namespaces; where the container stays in the cgroups it had, so do the mounts that show them. */
  plan(root: Sequence): void {
    const trees = this.#predecessor ? this.#takeTrees(root, this.#predecessor) : [];
    for (const { given, slot } of this.#joined) {
      const isAll = given === 'donor';
      const words = isAll ? 'namespaces' : `${given.namespace} namespace`;
      root.syscall(`join the ${words} of the container`, SYS.setns, [slot, isAll ? JOINED : 0]);
    }
    for (const { place, tree } of trees) {
      const path = this.#builder.string(place);
      root.syscall(`unmount ${place}`, SYS.umount2, [path, MNT_DETACH]);
      const to = [tree, this.#builder.string(''), AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH];
      root.syscall(`mount ${place}`, SYS.move_mount, to);
      root.syscall(`close ${place}`, SYS.close, [tree]);
    }
  }

  #takeTrees(
    root: Sequence,
    { slot, cgroupPlaces }: Predecessor,
  ): { readonly place: string; readonly tree: Slot }[] {
    if (cgroupPlaces.length === 0) return [];
    root.syscall('join the mounts so far', SYS.setns, [slot, CLONE_NEWNS]);
    return cgroupPlaces.map((place) => {
      const tree = this.#builder.slot();
      const args = [AT_FDCWD, this.#builder.string(place), TREE];
      root.syscall(`take ${place} along`, SYS.open_tree, args, { store: tree });
      return { place, tree };
    });
  }
}
