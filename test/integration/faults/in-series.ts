// SPDX-License-Identifier: Apache-2.0
import { hostNamesOf } from '../../../src/common/host-names.js';
import { asHostPid, type VasId } from '../../../src/common/ids.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import { tmpfsMountsOf } from '../../../src/common/tmpfs-mounts.js';
import {
  checkpoint,
  readSpec,
  type CheckpointResult,
  type Series,
} from '../../../src/criu/index.js';
import type { Counter } from './harness.js';

/** A checkpoint of a series. */
export interface Member {
  readonly imagePath: string;
  readonly id: VasId;
  readonly result: CheckpointResult;
}

/** Takes one of a container that goes on, by this process. */
export async function takeMember(
  container: Counter,
  series: Series,
  signal?: AbortSignal,
): Promise<Member> {
  const imagePath = container.newImage();
  const { id: containerId, bundle, runcRoot } = container.run.place;
  const spec = readSpec(bundle);
  const result = await checkpoint({
    ...{ containerId, spec, imagePath, runcRoot, series },
    initPid: asHostPid(await container.run.initPid()),
    leaveRunning: true,
    ...(signal && { signal }),
    tmpfsMounts: tmpfsMountsOf(spec),
    mountPlaces: mountPlacesOf(spec),
    hostNames: hostNamesOf(spec),
  });
  return { imagePath, id: result.vasId, result };
}
