// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { decode, encode } from '../../../../src/shim/proto/codec.js';
import { ConnectRequest, StartResponse } from '../../../../src/common/messages/task.js';
import { acceptor } from '../../../../src/shim/rpc/acceptor.js';
import { TtrpcClient } from '../../../../src/shim/rpc/client.js';
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from '../../../../src/shim/rpc/frame.js';
import { method, serviceTable, type Method } from '../../../../src/shim/rpc/methods.js';

type Call = (name: string, payload?: Uint8Array, timeoutMs?: number) => Promise<Uint8Array>;

/** Nothing takes this long, even on a busy machine. */
const PATIENCE_MS = 60_000;

/** A server with these methods of service `s`, and a client of each protocol on its one socket. */
async function served(
  t: ExecutionContext,
  methods: Readonly<Record<string, Method>>,
): Promise<{ path: string; ttrpc: Call; grpc: Call }> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-rpc-'));
  const path = join(directory, 's');
  const server = createServer(acceptor(serviceTable(['s'], methods)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const ttrpc = await TtrpcClient.connect(path, PATIENCE_MS);
  const grpc = new Client(`unix:${path}`, credentials.createInsecure());
  t.teardown(() => {
    ttrpc.close();
    grpc.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return {
    path,
    ttrpc: (name, payload = new Uint8Array(0), timeoutMs = PATIENCE_MS) =>
      ttrpc.call({ service: 's', method: name, payload, timeoutMs }),
    grpc: (name, payload = new Uint8Array(0), timeoutMs = PATIENCE_MS) =>
      callGrpc(grpc, name, Buffer.from(payload), timeoutMs),
  };
}

function callGrpc(client: Client, name: string, payload: Buffer, ms: number): Promise<Uint8Array> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + ms };
    client.makeUnaryRequest(`/s/${name}`, same, same, payload, options, (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}

const LENGTH = { Length: method(ConnectRequest, StartResponse, ({ id }) => ({ pid: id.length })) };

test('one socket speaks both protocols', async (t) => {
  const { ttrpc, grpc } = await served(t, LENGTH);
  const request = encode(ConnectRequest, { id: 'abc' });
  const answers = await Promise.all([grpc('Length', request), ttrpc('Length', request)]);
  t.deepEqual(
    answers.map((answer) => decode(StartResponse, answer).pid),
    [3, 3],
  );
});

test('errors have the same codes and words in gRPC', async (t) => {
  const { grpc } = await served(t, {
    Fail: () => Promise.reject(new ShimError('alreadyExists', 'task a already exists')),
    Bug: () => Promise.reject(new TypeError('oops')),
  });
  const failed = await t.throwsAsync<ServiceError>(grpc('Fail'));
  t.like(failed, { code: 6, details: 'task a already exists' });
  t.like(await t.throwsAsync<ServiceError>(grpc('Bug')), { code: 2, details: 'oops' });
  t.like(await t.throwsAsync<ServiceError>(grpc('Nothing')), { code: 12 });
  const garbage = grpc('Garbage', Buffer.from('x'));
  t.like(await t.throwsAsync<ServiceError>(garbage), { code: 12 });
});

test('a gRPC request that does not decode is an error of that call alone', async (t) => {
  const { grpc } = await served(t, LENGTH);
  await t.throwsAsync(grpc('Length', Buffer.from([0x0a, 0x7f])));
  const answer = await grpc('Length', encode(ConnectRequest, { id: 'ab' }));
  t.is(decode(StartResponse, answer).pid, 2);
});

test('an oversize gRPC request is refused, and the connection goes on', async (t) => {
  const { grpc } = await served(t, LENGTH);
  const large = encode(ConnectRequest, { id: 'x'.repeat(MAX_PAYLOAD_BYTES) });
  t.like(await t.throwsAsync<ServiceError>(grpc('Length', large)), { code: 8 });
  t.is(decode(StartResponse, await grpc('Length', encode(ConnectRequest, { id: 'ab' }))).pid, 2);
});

test('gRPC calls that wait do not hold up others', async (t) => {
  let release: (bytes: Uint8Array) => void = () => undefined;
  const waiting = new Promise<Uint8Array>((resolve) => (release = resolve));
  const { grpc } = await served(t, { Wait: () => waiting, ...LENGTH });
  const slow = Array.from({ length: 1000 }, () => grpc('Wait'));
  t.is(decode(StartResponse, await grpc('Length', encode(ConnectRequest, { id: 'a' }))).pid, 1);
  release(encode(StartResponse, { pid: 7 }));
  t.true((await Promise.all(slow)).every((answer) => decode(StartResponse, answer).pid === 7));
});

test('the time limit of a gRPC call reaches its handler', async (t) => {
  let tell: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => (tell = resolve));
  const { grpc } = await served(t, {
    Slow: async (_, { signal }) => {
      await once(signal, 'abort');
      tell();
      throw new ShimError('canceled', 'given up');
    },
    ...LENGTH,
  });
  await grpc('Length'); // connects, which the limit does not cover
  t.like(await t.throwsAsync<ServiceError>(grpc('Slow', undefined, 2_000)), { code: 4 });
  await t.notThrowsAsync(aborted);
});

test('a ttrpc connection may begin byte by byte', async (t) => {
  const { path } = await served(t, LENGTH);
  const socket = connect(path);
  t.teardown(() => socket.destroy());
  // Announces as many bytes as the first byte of HTTP/2 would mean: an oversize frame of ttrpc.
  for (const byte of [0x50, 0, 0, 0, 0, 0, 0, 1, 1, 0]) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.is(answer.readUInt32BE(4), 1);
  t.regex(answer.subarray(HEADER_BYTES).toString(), /exceeds the limit/);
});
