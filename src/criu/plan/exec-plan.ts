// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { NsPid } from '../../common/ids.js';
import type { ValidImage } from '../image/validate.js';
import type { Range } from '../memory/ranges.js';
import { execStructure } from '../vas/kernel-abi.js';
import { WORK } from './abi.js';
import type { PlanBuilder } from './builder.js';
import type { Slot } from './values.js';

/** What processes need in order to exec duplicates of their memory. */
export interface ExecPlan {
  /** Where the restorer's own range begins. */
  readonly base: bigint;
  /** Descriptors of /dev/mvas and of the plan, in every process that stands there. */
  readonly device: Slot;
  readonly planFile: Slot;
  /** Address of a process's `struct mvas_exec`. */
  readonly requestOf: (nsPid: NsPid) => bigint;
  /** What a process maps; anything else that its duplicate has is not its own. */
  readonly areasOf: (nsPid: NsPid) => readonly Range[];
}

/** What {@link planExec} is made from. */
interface ExecOptions {
  readonly image: ValidImage;
  readonly base: bigint;
  /** The kernel's VASes by container pid. */
  readonly duplicates: ReadonlyMap<NsPid, number>;
}

/** Takes the slots of the descriptors, which must be the last ones that go along. */
export function planExec(builder: PlanBuilder, { image, base, duplicates }: ExecOptions): ExecPlan {
  const requests = new Map(
    [...duplicates].map(([pid, id]) => [pid, builder.data(execStructure(id, base))]),
  );
  return {
    base,
    device: builder.slot(),
    planFile: builder.slot(),
    requestOf: (pid) => {
      const request = requests.get(pid) ?? badImage(`no duplicate of pid ${String(pid)}`);
      return base + WORK.plan + BigInt(request.offset);
    },
    areasOf: (pid) => image.memory.maps.get(pid)?.areas ?? [],
  };
}
