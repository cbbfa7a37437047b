// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { decodeQueues, encodeQueues } from '../../../../src/criu/image/queues.js';

const DESC = { key: 1, uid: 0, gid: 0, cuid: 0, cgid: 0, mode: 0o600, id: 0 };
const MESSAGES = [
  { type: 5n, data: Uint8Array.of(1, 2, 3) },
  { type: 1n << 40n, data: new Uint8Array(0) },
];

test('messages follow their queue, padded where CRIU pads', (t) => {
  const queues = [
    { entry: { desc: DESC, qbytes: 100, qnum: 2 }, messages: MESSAGES },
    { entry: { desc: { ...DESC, id: 1 }, qbytes: 100, qnum: 0 }, messages: [] },
  ];
  const bytes = encodeQueues(queues);
  t.deepEqual(decodeQueues(bytes), queues);
  const entry = { desc: DESC, qbytes: 1, qnum: 1 };
  const one = encodeQueues([{ entry, messages: MESSAGES.slice(0, 1) }]);
  t.deepEqual(one.subarray(-8), Uint8Array.of(1, 2, 3, 0, 0, 0, 0, 0));
});

test('a queue with more messages than the file has is refused', (t) => {
  const entry = { desc: DESC, qbytes: 100, qnum: 2 };
  t.throws(() => encodeQueues([{ entry, messages: [] }]), { code: 13 });
  const bytes = encodeQueues([{ entry, messages: MESSAGES }]);
  t.throws(() => decodeQueues(bytes.subarray(0, -4)), { code: 15 });
  t.throws(() => decodeQueues(bytes, { maxMessages: 2 }), { code: 15 });
});
