// SPDX-License-Identifier: Apache-2.0
import { type HostPid, ownPid, type VasId } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { isFaulty } from '../faults.js';
import type { Lasting } from '../lasting.js';
import { readNamespace } from '../procfs/reader.js';
import { queuesOf } from '../resources/ipc/mount-queues.js';
import { checkSurroundings } from '../resources/surroundings.js';
import { TMPFS_LIMITS } from '../resources/tmpfs.js';
import { readTree } from '../resources/tmpfs-pack.js';
import { vasDirectory } from '../vas/directory.js';
import type { HolderClient } from '../vas/holder-client.js';
import { closeModels, openModels } from './model-files.js';
import { hasRehearsed, rehearseStop } from './rehearse-stops.js';
import type { CheckpointRequest } from './request.js';

const log = logger('checkpoint');

/** The holder of a new VAS. */
interface Stage {
  readonly id: VasId;
  readonly holder: HolderClient;
  readonly holderPid: HostPid;
}

/**
 * Rehearses the stop of a container while that runs. Code takes several times as long when it runs for the first time
 * in a process, and so does what the kernel does for the first time; and some of what is found out need not be
 * again. What fails here is told when it fails again.
 */
export async function rehearse(
  request: CheckpointRequest,
  stage: Stage,
  lasting: Lasting,
): Promise<void> {
  const { initPid } = request;
  await attempt(() => {
    checkSurroundings(initPid, [], request);
  });
  await attempt(() => {
    if (readNamespace(initPid, 'ipc') !== readNamespace(ownPid(), 'ipc'))
      queuesOf(initPid, lasting);
  });
  // A fault is meant for the container.
  if (!hasRehearsed() && !isFaulty()) await attempt(() => stopHolder(stage, lasting));
}

/** Stops an empty holder, which is a process of ours and idle, takes stock of it, and lets it go. */
async function stopHolder({ id, holder, holderPid }: Stage, lasting: Lasting): Promise<void> {
  const models = await openModels(holder, holderPid);
  try {
    await rehearseStop({ pid: holderPid, vasId: id, lasting });
    readTree(ownPid(), vasDirectory(id), { ...TMPFS_LIMITS });
  } finally {
    await closeModels(holder, models);
  }
}

async function attempt(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.debug('rehearsed until it failed', { error: String(error) });
  }
}
