// SPDX-License-Identifier: Apache-2.0
import type { Cgroup } from '../../common/cgroup.js';
import { logger } from '../../common/log.js';
import type { MemorySource, NewHolder, PlacedProcesses } from '../memory/live/source.js';
import type { Session } from '../tracee/session.js';
import type { Twins } from '../tracee/twins.js';
import type { Patience } from '../retry.js';
import { chooseTwins, type TwinChoice } from './choose-twins.js';
import { reapTwins, type ReapRequest } from './reap-twins.js';

const log = logger('checkpoint');

/** Where the memory of a stopped container comes from. What takes the kernel a while has begun. */
export interface Begun {
  readonly source: MemorySource;
  /** What it is copied from, if that is twins. */
  readonly twins: Twins | undefined;
  /**
   * Ends twins, and lets nothing of them remain in the container, which goes on. To be called in any case. Never rejects:
   * what remains is removed by the container's next checkpoint.
   */
  readonly end: () => Promise<void>;
}

/** Which container, and where its memory goes. */
export interface BeginRequest
  extends
    Pick<TwinChoice, 'containerId' | 'initPid' | 'leaveRunning' | 'twin' | 'inTurn'>,
    Pick<ReapRequest, 'vasId'>,
    NewHolder {
  readonly cgroup: Cgroup;
  readonly patience: Patience;
  /** What copies memory, unless twins do. */
  readonly source: MemorySource;
}

/**
 * Begins to hold the memory of a stopped container: the kernel makes twins while the rest of the container is inspected.
 *
 * @throws ShimError `failedPrecondition` if twins were requested and are not possible
 */
export function beginToHold(
  request: BeginRequest,
  session: Session,
  memory: PlacedProcesses,
): Begun {
  const { source, twins } = chooseTwins({ ...request, session, memory });
  source.begin?.(memory);
  const end = async () => {
    try {
      const ended = (await twins?.end()) ?? [];
      await session.letGo();
      await reapTwins(request, ended);
    } catch (error) {
      log.warn('a twin stays in the container until its next checkpoint', {
        vas: request.vasId,
        error: String(error),
      });
    }
  };
  return { source, twins, end };
}
