// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { logger } from '../common/log.js';
import { decode, encode } from './proto/codec.js';
import { InfoRequest } from './proto/messages/content.js';
import { VersionResponse } from './proto/messages/version.js';

const log = logger('content');
const VERSION = '/containerd.services.version.v1.Version/Version';
const INFO = '/containerd.services.content.v1.Content/Info';
const LIMIT_MS = 2_000;

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
  const client = new Client(`unix:${address}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('containerd-namespace', namespace);
  const ask = (method: string, request: Uint8Array): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const same = (bytes: Buffer): Buffer => bytes;
      const options = { deadline: Date.now() + LIMIT_MS };
      const answer = (error: ServiceError | null, response?: Buffer): void => {
        if (error === null) resolve(response ?? Buffer.alloc(0));
        else reject(error);
      };
      client.makeUnaryRequest(method, same, same, Buffer.from(request), metadata, options, answer);
    });
  try {
    const { version } = decode(VersionResponse, await ask(VERSION, new Uint8Array()));
    if (!/^v?1\./.test(version)) return false;
    await ask(INFO, encode(InfoRequest, { digest }));
    return true;
  } catch (error) {
    const { code, message: reason } = error as ServiceError;
    if (code !== status.NOT_FOUND) {
      log.warn('containerd does not tell what it has', { digest, error: reason });
    }
    return false;
  } finally {
    client.close();
  }
}
