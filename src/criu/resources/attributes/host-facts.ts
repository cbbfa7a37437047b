// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HostPid } from '../../../common/ids.js';
import { syscall } from '../../../native/index.js';
import { hasProtectionKeys, hasTimerIds, lastCapability } from '../../../native/kernel-facts.js';
import { SYS } from '../../../native/sys.js';
import { readLimits } from '../../procfs/reader.js';
import type { ResourceLimit } from '../../procfs/limits.js';

const PRIO_PROCESS = 0;
const QUEUED_EVENTS = '/proc/sys/fs/inotify/max_queued_events';
const NICE_BASE = 20;

/** Facts about the kernel and the restorer that decide how attributes are restored. */
export interface HostFacts {
  /** Whether the kernel can create timers with given ids. */
  readonly hasTimerIds: boolean;
  /** Whether memory can have protection keys. */
  readonly hasProtectionKeys: boolean;
  /** The number of the last capability that the kernel knows. */
  readonly lastCapability: number;
  /** The restorer's limits, in RLIMIT_* order. */
  readonly limits: readonly ResourceLimit[];
  /** The most events that wait in a new inotify instance. */
  readonly queuedEvents: number;
}

/** Asks the kernel. `restorer` is its pid, or the pid of a process with the same limits. */
export function readHostFacts(restorer: HostPid): HostFacts {
  return {
    hasTimerIds: hasTimerIds(),
    hasProtectionKeys: hasProtectionKeys(),
    lastCapability: lastCapability(),
    limits: readLimits(restorer),
    queuedEvents: Number(readFileSync(QUEUED_EVENTS, 'utf8')),
  };
}

/** The nice value that containers inherit from the engine. The raw call returns 20 - nice. */
export function ownNice(): number {
  return NICE_BASE - syscall(SYS.getpriority, PRIO_PROCESS, 0);
}
