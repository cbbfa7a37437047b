// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { Publisher, type EventChannel } from '../../../../src/shim/events/publisher.js';
import { taskEvent } from '../../../../src/shim/events/topics.js';
import { decode } from '../../../../src/shim/proto/codec.js';
import { ForwardRequest } from '../../../../src/shim/proto/messages/forward.js';

/** A containerd that fails as told and notes the topics it took. */
function fake(failures: (ShimError | undefined)[]): { channel: EventChannel; topics: string[] } {
  const topics: string[] = [];
  const channel: EventChannel = {
    isClosed: false,
    call: ({ payload }) => {
      const error = failures.shift();
      if (error !== undefined) return Promise.reject(error);
      topics.push(decode(ForwardRequest, payload).envelope?.topic ?? '');
      return Promise.resolve(new Uint8Array(0));
    },
    close: () => undefined,
  };
  return { channel, topics };
}

async function published(failures: (ShimError | undefined)[]): Promise<readonly string[]> {
  const { channel, topics } = fake(failures);
  const publisher = new Publisher({
    namespace: 'ns',
    connect: () => Promise.resolve(channel),
    wait: () => Promise.resolve(),
  });
  publisher.publish(taskEvent.create({ containerId: 'a' }));
  publisher.publish(taskEvent.start({ containerId: 'a', pid: 1 }));
  publisher.publish(taskEvent.exit({ containerId: 'a', id: 'a', pid: 1 }));
  await publisher.close(1_000);
  return topics;
}

const ALL = ['/tasks/create', '/tasks/start', '/tasks/exit'];
const away = new ShimError('unavailable', 'away');
const refused = new ShimError('invalidArgument', 'refused');

test('events arrive in order', async (t) => {
  t.deepEqual(await published([]), ALL);
});

test('while containerd is away events wait, in order', async (t) => {
  t.deepEqual(await published(Array.from({ length: 20 }, () => away)), ALL);
});

test('a publisher that is to close does not wait long for containerd', async (t) => {
  const { channel, topics } = fake(Array.from({ length: 10 }, () => away));
  const publisher = new Publisher({ namespace: 'ns', connect: () => Promise.resolve(channel) });
  publisher.publish(taskEvent.exit({ containerId: 'a', id: 'a', pid: 1 }));
  await publisher.close(60_000); // Ten waits of some seconds each would take 40.
  t.deepEqual(topics, ['/tasks/exit']);
});

test('an event that is refused five times is dropped, the others are sent', async (t) => {
  t.deepEqual(await published(Array.from({ length: 5 }, () => refused)), ALL.slice(1));
});
