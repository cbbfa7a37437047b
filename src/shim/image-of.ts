// SPDX-License-Identifier: Apache-2.0
import type { ServiceError } from '@grpc/grpc-js';
import { isOurSnapshot } from '../common/our-snapshots.js';
import { logger } from '../common/log.js';
import { GetContainerRequest, GetContainerResponse } from '../common/messages/containers.js';
import { StatSnapshotRequest, StatSnapshotResponse } from '../common/messages/snapshots.js';
import { ContainerdCaller } from './containerd-caller.js';
import type { ContainerImage } from './task/ports.js';

const log = logger('image');
const GET = [GetContainerRequest, GetContainerResponse] as const;
const STAT = [StatSnapshotRequest, StatSnapshotResponse] as const;

/**
 * What containerd knows of the image of a container; undefined if it cannot be asked, which is not a reason to fail, or
 * does not know.
 *
 * @param address containerd's gRPC socket
 */
export async function imageOf(
  address: string,
  namespace: string,
  id: string,
): Promise<ContainerImage | undefined> {
  const containerd = new ContainerdCaller(address, namespace);
  try {
    const { container } = await containerd.call('containers.v1.Containers/Get', GET, { id });
    const { image: name = '', snapshotter = '', snapshotKey = '' } = container ?? {};
    if (snapshotKey === '') return undefined;
    const parentOf = async (key: string): Promise<string> => {
      const path = 'snapshots.v1.Snapshots/Stat';
      const { info } = await containerd.call(path, STAT, { snapshotter, key });
      return info?.parent ?? '';
    };
    const first = await parentOf(snapshotKey);
    let chainId = first;
    while (isOurSnapshot(chainId)) chainId = await parentOf(chainId);
    return { name, chainId, isBare: first === chainId };
  } catch (error) {
    log.warn('containerd does not tell an image', { id, error: (error as ServiceError).message });
    return undefined;
  } finally {
    containerd.close();
  }
}
