// SPDX-License-Identifier: Apache-2.0
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { decode, encode } from '../../../../src/shim/proto/codec.js';
import { ConnectRequest, StartResponse } from '../../../../src/common/messages/task.js';
import { TtrpcClient } from '../../../../src/shim/rpc/client.js';
import { method, serviceTable, type Method } from '../../../../src/shim/rpc/methods.js';
import { TtrpcServer } from '../../../../src/shim/rpc/server.js';

/** Nothing takes this long, even on a busy machine. */
const PATIENCE_MS = 60_000;

interface Caller {
  (name: string, id?: string, timeoutMs?: number): Promise<number>;
  close(): void;
}

/** A client of a server with these methods of service `s`. */
async function connected(
  t: ExecutionContext,
  methods: Readonly<Record<string, Method>>,
): Promise<Caller> {
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
  const call = async (name: string, id = '', timeoutMs = PATIENCE_MS): Promise<number> => {
    const payload = encode(ConnectRequest, { id });
    const request = { service: 's', method: name, payload, timeoutMs };
    return decode(StartResponse, await client.call(request)).pid;
  };
  return Object.assign(call, {
    close: () => {
      client.close();
    },
  });
}

test('a call is answered', async (t) => {
  const call = await connected(t, {
    Length: method(ConnectRequest, StartResponse, ({ id }) => ({ pid: id.length })),
  });
  t.is(await call('Length', 'abc'), 3);
});

test('a call that waits does not hold up others', async (t) => {
  let release: (pid: number) => void = () => undefined;
  const waiting = new Promise<number>((resolve) => (release = resolve));
  const call = await connected(t, {
    Wait: method(ConnectRequest, StartResponse, async () => ({ pid: await waiting })),
    Quick: method(ConnectRequest, StartResponse, () => ({ pid: 1 })),
  });
  const slow = call('Wait');
  t.is(await call('Quick'), 1);
  release(2);
  t.is(await slow, 2);
});

test('an error keeps its kind and words on the wire', async (t) => {
  const call = await connected(t, {
    Fail: method(ConnectRequest, StartResponse, () => {
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
    Slow: method(ConnectRequest, StartResponse, async (_, { signal }) => {
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

/** How many signals Node has derived from one, and how many listeners it has. */
function dependantsOf(signal: AbortSignal): number {
  const symbols = Object.getOwnPropertySymbols(signal);
  const symbol = symbols.find((one) => one.description === 'kDependantSignals');
  const derived = (signal as unknown as Record<symbol, Set<unknown> | undefined>)[
    symbol ?? Symbol()
  ];
  return (derived?.size ?? 0) + getEventListeners(signal, 'abort').length;
}

test.serial('calls with a time limit leave nothing behind', async (t) => {
  const Original = AbortController;
  const made: AbortController[] = [];
  globalThis.AbortController = class extends Original {
    constructor() {
      super();
      made.push(this);
    }
  };
  t.teardown(() => {
    globalThis.AbortController = Original;
  });
  const call = await connected(t, {
    Limited: method(ConnectRequest, StartResponse, () => ({ pid: 1 })),
  });
  for (let index = 0; index < 10; index += 1) await call('Limited');
  t.true(made.length > 0);
  t.deepEqual(new Set(made.map((one) => dependantsOf(one.signal))), new Set([0]));
});

test('a client that goes ends its calls', async (t) => {
  let tell: (kind: string) => void = () => undefined;
  const aborted = new Promise<string>((resolve) => (tell = resolve));
  const call = await connected(t, {
    Slow: method(ConnectRequest, StartResponse, async (_, { signal }) => {
      signal.addEventListener('abort', () => {
        tell(ShimError.from(signal.reason).kind);
      });
      await aborted;
      return {};
    }),
    Begun: method(ConnectRequest, StartResponse, () => ({})),
  });
  const slow = call('Slow').catch(() => undefined);
  await call('Begun');
  call.close();
  t.is(await aborted, 'canceled');
  await slow;
});
