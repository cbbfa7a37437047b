// SPDX-License-Identifier: Apache-2.0
import { AT_FDCWD, SYS } from '../../native/abi/index.js';
import type { PlanBuilder, Sequence, Slot } from './builder.js';
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

/** How PID 1 gets into the surroundings that the donor has. */
export class JoinPlan {
  readonly #builder: PlanBuilder;
  readonly #donor: Slot;
  readonly #predecessor: Predecessor | undefined;

  /** `donor` has a pidfd of it. */
  constructor(builder: PlanBuilder, donor: Slot, predecessor: Predecessor | undefined) {
    this.#builder = builder;
    this.#donor = donor;
    this.#predecessor = predecessor;
  }

  /** Joins the donor's namespaces; where the container stays in the cgroups it had, so do the mounts that show them. */
  plan(root: Sequence): void {
    const trees = this.#predecessor ? this.#takeTrees(root, this.#predecessor) : [];
    root.syscall('join the namespaces of the container', SYS.setns, [this.#donor, JOINED]);
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
