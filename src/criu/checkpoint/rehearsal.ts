// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { isFaulty } from '../faults.js';
import { checkRegisters } from '../resources/attributes.js';
import { checkSurroundings } from '../resources/surroundings.js';
import { Session } from '../tracee/session.js';
import type { CheckpointRequest } from './request.js';
import { takeStock } from './stop.js';

const log = logger('checkpoint');

let hasRehearsed = false;

/** The holder of a new VAS. */
interface Stage {
  readonly id: VasId;
  readonly holderPid: HostPid;
}

/**
 * Rehearses the stop of a container while that runs. Code takes several times as long when it runs for the first time
 * in a process, and so does what the kernel does for the first time; and some of what is found out need not be
 * again. What fails here is told when it fails again.
 */
export async function rehearse(request: CheckpointRequest, stage: Stage): Promise<void> {
  await attempt(() => {
    checkSurroundings(request.initPid, [], request);
  });
  // A fault is meant for the container.
  if (!hasRehearsed && !isFaulty()) await attempt(() => stopHolder(stage));
  hasRehearsed = true;
}

/** Stops an empty holder, which is a process of ours and idle, takes stock of it, and lets it go. */
async function stopHolder({ id, holderPid }: Stage): Promise<void> {
  const session = await Session.seize(holderPid, undefined, { patience: { limitMs: 0 } });
  try {
    checkRegisters(session.processes);
    const { close } = await takeStock(session, {
      containerId: 'rehearsal',
      ...{ vasId: id, initPid: holderPid, tmpfsMounts: [], ahead: undefined, stdio: undefined },
      tree: { pstree: [], forkers: new Map() },
      exec: 'refuse',
    });
    close();
  } finally {
    await session.close();
  }
}

async function attempt(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.debug('rehearsed until it failed', { error: String(error) });
  }
}
