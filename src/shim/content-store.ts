// SPDX-License-Identifier: Apache-2.0
import { status, type ServiceError } from '@grpc/grpc-js';
import { logger } from '../common/log.js';
import { InfoRequest, InfoResponse } from '../common/messages/content.js';
import { Empty } from '../common/messages/empty.js';
import { ContainerdCaller } from './containerd-caller.js';
import { VersionResponse } from './proto/messages/version.js';

const log = logger('content');

/**
 * Whether a containerd before 2 has some content in its store, in a namespace; later releases do not mind. False if
 * containerd cannot be asked, which is not a reason to fail.
 *
 * @param address containerd's gRPC socket
 */
export async function oldContainerdHas(
  address: string,
  namespace: string,
  digest: string,
): Promise<boolean> {
  const containerd = new ContainerdCaller(address, namespace);
  try {
    const answer = [Empty, VersionResponse] as const;
    const { version } = await containerd.call('version.v1.Version/Version', answer, {});
    if (!/^v?1\./.test(version)) return false;
    await containerd.call('content.v1.Content/Info', [InfoRequest, InfoResponse], { digest });
    return true;
  } catch (error) {
    const { code, message: reason } = error as ServiceError;
    if (code !== status.NOT_FOUND) {
      log.warn('containerd does not tell what it has', { digest, error: reason });
    }
    return false;
  } finally {
    containerd.close();
  }
}
