// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { decode, encode } from '../../../../src/shim/proto/codec.js';
import { IdRequest, PidResponse } from '../../../../src/shim/proto/task.js';
import { TtrpcClient } from '../../../../src/shim/rpc/client.js';
import { method, serviceTable, type Method } from '../../../../src/shim/rpc/methods.js';
import { TtrpcServer } from '../../../../src/shim/rpc/server.js';

/** Nothing takes so long, on a busy machine either. */
const PATIENCE_MS = 60_000;

/** A client of a server with these methods of service `s`. */
async function connected(
  t: ExecutionContext,
  methods: Readonly<Record<string, Method>>,
): Promise<(name: string, id?: string, timeoutMs?: number) => Promise<number>> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-rpc-'));
  const path = join(directory, 's');
  const rpc = new TtrpcServer(serviceTable(['s'], methods));
  const server = createServer((socket) => {
    rpc.accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = await TtrpcClient.connect(path, PATIENCE_MS);
  t.teardown(() => {
    client.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return async (name, id = '', timeoutMs = PATIENCE_MS) => {
    const payload = encode(IdRequest, { id });
    const call = { service: 's', method: name, payload, timeoutMs };
    return decode(PidResponse, await client.call(call)).pid;
  };
}

test('a call is answered', async (t) => {
  const call = await connected(t, {
    Length: method(IdRequest, PidResponse, ({ id }) => ({ pid: id.length })),
  });
  t.is(await call('Length', 'abc'), 3);
});

test('a call that waits does not hold up others', async (t) => {
  let release: (pid: number) => void = () => undefined;
  const waiting = new Promise<number>((resolve) => (release = resolve));
  const call = await connected(t, {
    Wait: method(IdRequest, PidResponse, async () => ({ pid: await waiting })),
    Quick: method(IdRequest, PidResponse, () => ({ pid: 1 })),
  });
  const slow = call('Wait');
  t.is(await call('Quick'), 1);
  release(2);
  t.is(await slow, 2);
});

test('an error keeps its kind and words on the wire', async (t) => {
  const call = await connected(t, {
    Fail: method(IdRequest, PidResponse, () => {
      throw new ShimError('alreadyExists', 'task a already exists');
    }),
  });
  const error = await t.throwsAsync(call('Fail'), { instanceOf: ShimError });
  t.like(error, { kind: 'alreadyExists', message: 'task a already exists' });
});

test('an unknown method is unimplemented', async (t) => {
  const call = await connected(t, {});
  t.like(await t.throwsAsync(call('Nothing')), { kind: 'unimplemented' });
});

test('the time limit of a call reaches its handler', async (t) => {
  let tell: (kind: string) => void = () => undefined;
  const aborted = new Promise<string>((resolve) => (tell = resolve));
  const call = await connected(t, {
    Slow: method(IdRequest, PidResponse, async (_, { signal }) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      tell(ShimError.from(signal.reason).kind);
      return {};
    }),
  });
  t.like(await t.throwsAsync(call('Slow', '', 20)), { kind: 'deadlineExceeded' });
  t.is(await aborted, 'deadlineExceeded');
});
