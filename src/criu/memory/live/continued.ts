// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid, VasId } from '../../../common/ids.js';
import { readStat } from '../../procfs/reader.js';
import type { WriteTracking } from '../../tracee/write-tracking.js';
import type { Layout } from '../layout.js';
import type { SharedObject } from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import type { PreCopied } from '../pre-copied.js';
import type { LiveProcess } from './process.js';

/** What has been copied of a process, and which process that was. */
export interface Copied extends PreCopied {
  readonly process: LiveProcess;
}

/** What a VAS holds of a container. */
export interface Holding {
  readonly layout: Layout;
  readonly kernelAreas: readonly KernelArea[];
  readonly copied: ReadonlyMap<NsPid, Copied>;
  readonly shared: readonly SharedObject[];
}

/** A process whose writes are tracked. */
interface Tracked {
  readonly tracking: WriteTracking;
  readonly identity: string;
}

/** A container that has gone on since a checkpoint, while its writes are tracked, and what the VAS of that holds. */
export class Continued {
  readonly vasId: VasId;
  readonly holding: Holding;
  /** How many forks of VASes one after the other have made that VAS. */
  readonly depth: number;
  #tracked: readonly Tracked[];

  /** Owns the trackings from now on. */
  constructor(
    vasId: VasId,
    holding: Holding,
    { depth, trackings }: { readonly depth: number; readonly trackings: Iterable<WriteTracking> },
  ) {
    this.vasId = vasId;
    this.holding = holding;
    this.depth = depth;
    this.#tracked = [...trackings].flatMap((tracking) => {
      const identity = identityOf(tracking.pid);
      if (identity !== undefined) return [{ tracking, identity }];
      tracking.close();
      return [];
    });
  }

  /** Whether a process is the one whose writes are tracked, and runs the same program. */
  tracks(pid: HostPid): boolean {
    return this.#tracked.some(({ tracking, identity }) => {
      return tracking.pid === pid && identityOf(pid) === identity;
    });
  }

  /** The trackings of those processes that still are the same, which become the caller's. */
  takeTrackings(): Map<HostPid, WriteTracking> {
    const same = new Map<HostPid, WriteTracking>();
    const tracked = this.#tracked;
    this.#tracked = [];
    for (const { tracking, identity } of tracked) {
      if (identityOf(tracking.pid) === identity) same.set(tracking.pid, tracking);
      else tracking.close();
    }
    return same;
  }

  /** Ends the tracking, unless it has been taken. */
  close(): void {
    for (const { tracking } of this.#tracked) tracking.close();
    this.#tracked = [];
  }
}

/** What is the same as long as a process lives and executes no other program. */
function identityOf(pid: HostPid): string | undefined {
  try {
    const { startTime, startCode, startStack } = readStat(pid);
    return [startTime, startCode, startStack].join(' ');
  } catch {
    return undefined; // It has ended.
  }
}
