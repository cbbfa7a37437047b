// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { Call, Method } from '../../../../src/cli/service/method.js';
import { OpenCalls } from '../../../../src/cli/service/open-calls.js';
import { ShimError } from '../../../../src/common/errors.js';

/** Work that ends when it is told to, or is aborted. */
function pending(isEndless = false) {
  let end: () => void = () => undefined;
  const method: Method = {
    ...{ isStream: true, isEndless },
    work: (_, { signal }) =>
      new Promise((resolve, reject) => {
        end = resolve;
        signal.addEventListener('abort', () => {
          reject(new ShimError('unknown', 'undone'));
        });
      }),
  };
  return {
    method,
    end: () => {
      end();
    },
  };
}

function incoming(more: { deadline?: number; onGone?: (gone: () => void) => void } = {}) {
  return {
    ...{ request: new Uint8Array(), deadline: Infinity, onGone: () => undefined },
    tell: () => true,
    ...more,
  };
}

for (const [deadline, kind] of [
  [Infinity, 'canceled'],
  [0, 'deadlineExceeded'],
] as const) {
  test(`a client that goes aborts the work: ${kind}`, async (t) => {
    let gone: () => void = () => undefined;
    const onGone = (callback: () => void) => (gone = callback);
    const call = new OpenCalls().run('X', pending().method, incoming({ deadline, onGone }));
    gone();
    t.is((await t.throwsAsync(call, { instanceOf: ShimError })).kind, kind);
  });
}

test('work that did not notice that it was aborted fails', async (t) => {
  let gone: () => void = () => undefined;
  const { method, end } = pending();
  const deaf: Method = {
    ...method,
    work: (bytes, call) => method.work(bytes, { ...call, signal: new AbortController().signal }),
  };
  const call = new OpenCalls().run('X', deaf, incoming({ onGone: (back) => (gone = back) }));
  gone();
  end();
  t.is((await t.throwsAsync(call, { instanceOf: ShimError })).kind, 'canceled');
});

test('a client that does not read is given up', async (t) => {
  const method: Method = {
    ...{ isStream: true, isEndless: true },
    work: (_, { signal, tell }: Call<Uint8Array>) =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => {
          reject(ShimError.from(signal.reason));
        });
        tell(new Uint8Array(1));
      }),
  };
  const call = new OpenCalls().run('Watch', method, { ...incoming(), tell: () => false });
  t.is((await t.throwsAsync(call, { instanceOf: ShimError })).kind, 'resourceExhausted');
});

test('at its end a service ends watches, and waits for others', async (t) => {
  const calls = new OpenCalls();
  const work = pending();
  const one = calls.run('Snapshot', work.method, incoming());
  const watch = calls.run('Watch', pending(true).method, incoming());
  const ended = calls.end(60_000);
  t.is((await t.throwsAsync(watch, { instanceOf: ShimError })).kind, 'unavailable');
  const late = calls.run('Snapshot', work.method, incoming());
  t.is((await t.throwsAsync(late, { instanceOf: ShimError })).kind, 'unavailable');
  work.end();
  await one;
  await ended;
  t.pass();
});

test('what does not end in time is undone', async (t) => {
  const calls = new OpenCalls();
  const one = calls.run('Snapshot', pending().method, incoming());
  const ended = calls.end(60_000);
  void calls.end(0);
  t.is((await t.throwsAsync(one, { instanceOf: ShimError })).kind, 'unavailable');
  await ended;
});
