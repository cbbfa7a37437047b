// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { asHostPid, type HostPid } from '../../../../src/common/ids.js';
import { hostNamesOf } from '../../../../src/common/host-names.js';
import { mountPlacesOf } from '../../../../src/common/mount-places.js';
import { tmpfsMountsOf } from '../../../../src/common/tmpfs-mounts.js';
import { checkpoint, readSpec, type CheckpointResult } from '../../../../src/criu/index.js';

/** A running container, as the engine needs to know it. */
export interface Victim {
  readonly initPid: HostPid;
  readonly bundle: string;
}

/** Checkpoints a container by the engine in this process, and leaves it running. */
export async function checkpointHere(
  { initPid, bundle }: Victim,
  imagePath: string,
): Promise<CheckpointResult> {
  const spec = readSpec(bundle);
  return await checkpoint({
    containerId: 'victim',
    initPid,
    imagePath,
    leaveRunning: true,
    tmpfsMounts: tmpfsMountsOf(spec),
    spec,
    mountPlaces: mountPlacesOf(spec),
    hostNames: hostNamesOf(spec),
  });
}

// As a program: for checkpoints that die.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , pid = '', bundle = '', imagePath = ''] = process.argv;
  await checkpointHere({ initPid: asHostPid(Number(pid)), bundle }, imagePath);
}
