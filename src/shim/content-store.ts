// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { logger } from '../common/log.js';
import { encode, field, message } from './proto/codec.js';

const log = logger('content');
const INFO = '/containerd.services.content.v1.Content/Info';
const LIMIT_MS = 2_000;
/** `containerd.services.content.v1.InfoRequest`. */
const InfoRequest = message({ digest: field.string(1) });

/**
 * Whether containerd's content store has something, in a namespace. It has not where containerd cannot be
 * asked: that is no reason to fail.
 *
 * @param address containerd's gRPC socket
 */
export function hasContent(address: string, namespace: string, digest: string): Promise<boolean> {
  const client = new Client(`unix:${address}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('containerd-namespace', namespace);
  return new Promise<boolean>((resolve) => {
    const request = Buffer.from(encode(InfoRequest, { digest }));
    const answer = (error: ServiceError | null): void => {
      if (error !== null && error.code !== status.NOT_FOUND) {
        log.warn('containerd does not tell what it has', { digest, error: error.message });
      }
      resolve(error === null);
    };
    const options = { deadline: Date.now() + LIMIT_MS };
    const same = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(INFO, same, same, request, metadata, options, answer);
  }).finally(() => {
    client.close();
  });
}
