// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { emptyCheckpointImage } from '../../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, MvasMqueueEntry } from '../../../../../src/criu/image/types.js';
import { validateFiles } from '../../../../../src/criu/image/validate-files.js';
import { FILE_KINDS } from '../../../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../../../src/criu/restore/rehearsal/sample-image.js';

const message = (priority: number, size: number) => ({ priority, data: new Uint8Array(size) });
const QUEUE: MvasMqueueEntry = {
  ...{ queue_id: 1, name: Buffer.from('letters'), uid: 1, gid: 2, mode: 0o600 },
  ...{ max_messages: 2, message_size: 4, messages: [message(3, 4), message(3, 0)] },
};

function validate(queues: readonly Partial<MvasMqueueEntry>[], file = { queue: 1, flags: 2 }) {
  const { queue: queue_id, flags } = file;
  const mvas_mqueue = { id: 1, flags, fown: NO_OWNER, queue_id };
  const files: FileEntry[] = [{ type: 'MVAS_MQUEUE', id: 1, mvas_mqueue }];
  const mqueues = queues.map((more) => ({ ...QUEUE, ...more }));
  const image = { ...emptyCheckpointImage(sampleImage().inventory), files, mqueues };
  validateFiles(image, FILE_KINDS);
}

test('accepts queues with messages in order, and a removed one by the same name', (t) => {
  t.notThrows(() => {
    validate([{}, { queue_id: 2, is_removed: true }]);
  });
});

type Case = readonly [
  what: string,
  expected: RegExp,
  queues: readonly Partial<MvasMqueueEntry>[],
  file?: { readonly queue: number; readonly flags: number },
];
const CASES: readonly Case[] = [
  ['a queue that does not exist', /does not exist/, [{}], { queue: 2, flags: 2 }],
  ['one opened by O_PATH', /O_PATH/, [{}], { queue: 1, flags: 0o10000000 }],
  ['a second queue of an id', /twice/, [{}, { name: Buffer.from('x') }]],
  ['a second queue of a name', /its name/, [{}, { queue_id: 2 }]],
  ['no name', /impossible name/, [{ name: Buffer.alloc(0) }]],
  ['a long name', /impossible name/, [{ name: Buffer.alloc(256, 'a') }]],
  ['a path', /impossible name/, [{ name: Buffer.from('a/b') }]],
  ['a name that ends early', /impossible name/, [{ name: Buffer.from('a\0b') }]],
  ['the folder', /impossible name/, [{ name: Buffer.from('..') }]],
  ['an owner who is nobody', /bad owner/, [{ uid: 0xffffffff }]],
  ['modes beyond permissions', /bad owner/, [{ mode: 0o100600 }]],
  ['room for nothing', /impossible size/, [{ max_messages: 0 }]],
  ['messages that are too large', /impossible size/, [{ message_size: (16 << 20) + 1 }]],
  ['more messages than room', /more messages/, [{ max_messages: 1 }]],
  ['a message beyond the size', /impossible message/, [{ message_size: 3 }]],
  ['messages out of order', /impossible message/, [{ messages: [message(1, 1), message(2, 1)] }]],
  ['a priority beyond any', /impossible message/, [{ messages: [message(32_768, 1)] }]],
];
for (const [what, expected, queues, file] of CASES) {
  test(`refuses ${what}`, (t) => {
    const check = () => {
      validate(queues, file);
    };
    t.throws(check, { message: expected, code: 15 });
  });
}
