// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { asVasId } from '../common/ids.js';
import { ContainerdApi } from './api.js';
import { fork, type Clone, type Origin } from './fork.js';
import { encodeTemplate } from './template.js';

const NAME = 'rehearsal';
/** A message without fields, as gRPC sends it: uncompressed, of length 0. */
const EMPTY = Buffer.alloc(5);

/**
 * Makes the calls of a fork, to a server of ours that answers each one with an empty message: so code that every client of
 * containerd runs has run before. Leaves nothing behind.
 *
 * @param socket a path for the server; what is left there by a killed rehearsal is removed
 * @param times how many clones
 */
export async function rehearseFork(socket: string, times: number): Promise<readonly Clone[]> {
  const server = createServer();
  server.on('stream', answer);
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socket, resolve);
  });
  const ended = new Promise<void>((resolve) => server.once('close', resolve));
  const api = new ContainerdApi({ address: socket, namespace: NAME });
  try {
    const { signal } = new AbortController();
    const common = { labels: {}, network: 'same', logUri: '', signal } as const;
    const ids = Array.from({ length: times }, (_, n) => `${NAME}-${String(n)}`);
    const snapshot = nothing(socket);
    await fork(api, snapshot, { ids: [NAME], whileAlone: (work) => work(), ...common });
    return await fork(api, snapshot, { ids, ...common });
  } finally {
    api.close();
    server.close();
    await ended;
  }
}

function answer(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined); // The client has gone.
  stream.on('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': '0' });
  });
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(EMPTY);
}

/** A snapshot of a container that never was. */
function nothing(address: string): Origin {
  const spec = { typeUrl: '', value: Buffer.from('{"process":{},"linux":{"namespaces":[]}}') };
  const container = { id: NAME, snapshotter: NAME, snapshotKey: NAME, spec };
  const place = { address, namespace: NAME };
  return {
    id: asVasId('0'.repeat(32)),
    template: encodeTemplate({ container, parent: '', place }),
  };
}
