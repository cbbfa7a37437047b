// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { isFrozen, type Cgroup } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { faultPoint } from '../faults.js';
import type { Continued } from '../memory/live/continued.js';
import type { MemorySource } from '../memory/live/source.js';
import type { Session } from '../tracee/session.js';
import type { Twins } from '../tracee/twins.js';
import { updateRecord, type NewVas, type VasRecord } from '../vas/store.js';
import type { CheckpointRequest } from './request.js';

const log = logger('checkpoint');

/** For so long a client may keep a container paused before its memory is copied. */
const RESUME_MS = 100;
const POLL_MS = 2;

/** The memory of a container, of which all or a part is still to be brought into its VAS. */
export interface HeldMemory {
  readonly vas: NewVas & {
    /** The checkpoint that it has been forked from, if any. */
    readonly before?: Continued | undefined;
    /** Called once a cancelled request is no longer to end the holder. */
    readonly keep: () => void;
  };
  readonly source: MemorySource;
  /** What it is copied from, if that is twins. */
  readonly twins: Twins | undefined;
  /** Its tracer holds the twins. */
  readonly session: Session;
  /** That of the container. */
  readonly cgroup: Cgroup;
  /** Ends twins, and lets nothing of them remain in the container. Never rejects. */
  readonly endTwins: () => Promise<void>;
}

/** Whether a checkpoint may answer before its memory is in the VAS. */
export function mayBeFilledLater(request: CheckpointRequest, source: MemorySource): boolean {
  return request.inTurn !== undefined && request.leaveRunning && source.twins !== undefined;
}

/** Brings all memory into the VAS, which never changes again. */
export async function fill({ source, vas }: HeldMemory): Promise<void> {
  await source.fill();
  await vas.holder.seal();
}

/**
 * Does so after the checkpoint has been answered, while the VAS is marked as being filled. If it fails, the VAS is marked
 * as broken, and holds no memory.
 *
 * @throws ShimError that it is marked with
 */
export async function fillLater(held: HeldMemory, record: VasRecord): Promise<void> {
  const { vas } = held;
  const began = performance.now();
  vas.keep();
  try {
    await turn(); // The answer goes first: moving a twin to another cgroup takes the kernel a while.
    await resumed(held.cgroup);
    await fill(held);
    faultPoint('fill');
    updateRecord({ ...record, isComplete: true });
    vas.lifeline.complete();
    log.info('filled', { vas: vas.id, ms: Math.round(performance.now() - began) });
  } catch (cause) {
    const error = ShimError.from(cause);
    log.error('the memory of a checkpoint is lost', { vas: vas.id, error: error.message });
    vas.lifeline.cut();
    mark({ ...record, broken: error.message });
    throw error;
  } finally {
    await held.endTwins();
    await closeHeld(held);
  }
}

/** Waits a moment for the client that has paused the container: it resumes it sooner without the copying beside it. */
async function resumed(cgroup: Cgroup): Promise<void> {
  const late = performance.now() + RESUME_MS;
  while (isStill(cgroup) && performance.now() < late) await delay(POLL_MS);
}

function isStill(cgroup: Cgroup): boolean {
  try {
    return isFrozen(cgroup);
  } catch {
    return false; // It has ended.
  }
}

function mark(record: VasRecord): void {
  try {
    updateRecord(record);
  } catch (error) {
    log.debug('a VAS has been removed while it was filled', {
      vas: record.id,
      error: String(error),
    });
  }
}

/** Closes everything. */
export async function closeHeld({ session, source, vas }: HeldMemory): Promise<void> {
  await session.close();
  for (const end of [vas.holder, source]) end.close();
}
