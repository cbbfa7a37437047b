// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { syscall } from '../../../native/index.js';
import { hasTimerIds, lastCapability } from '../../../native/kernel-facts.js';
import { SYS } from '../../../native/sys.js';
import { readLimits } from '../../procfs/reader.js';
import type { ResourceLimit } from '../../procfs/limits.js';

const PRIO_PROCESS = 0;
const NICE_BASE = 20;

/** What of the kernel and of the restorer decides how attributes are restored. */
export interface HostFacts {
  /** Whether it makes timers with wanted ids. */
  readonly hasTimerIds: boolean;
  /** The number of the last capability that the kernel knows. */
  readonly lastCapability: number;
  /** What a restorer begins with, in RLIMIT_* order. */
  readonly limits: readonly ResourceLimit[];
}

/** Asks the kernel. `restorer`: its pid, or that of a process with its limits. */
export function readHostFacts(restorer: HostPid): HostFacts {
  return {
    hasTimerIds: hasTimerIds(),
    lastCapability: lastCapability(),
    limits: readLimits(restorer),
  };
}

/** The nice value that containers inherit from the engine. The raw call returns 20 - nice. */
export function ownNice(): number {
  return NICE_BASE - syscall(SYS.getpriority, PRIO_PROCESS, 0);
}
