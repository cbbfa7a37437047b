// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { MvasMqueueEntry, MvasMqueueFileEntry } from '../../../../image/types.js';

/** So many bytes may messages have, all together. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** HARD_MSGMAX, HARD_MSGSIZEMAX (linux/ipc_namespace.h), MQ_PRIO_MAX, NAME_MAX. */
const MOST = { messages: 65_536, size: 16 * 1024 * 1024, priority: 32_767, name: 255 } as const;
const PERMISSIONS = 0o7777;
/** What chown(2) takes for nobody. */
const NOBODY = 0xffffffff;

/** Every open queue is there, and every queue is one that can be. Throws ShimError `dataLoss`. */
export function checkQueues(
  files: readonly MvasMqueueFileEntry[],
  { image: { mqueues } }: CheckedFiles,
): void {
  const ids = new Set<number>();
  const names = new Set<string>();
  let bytes = 0;
  for (const queue of mqueues) {
    const what = `check message queue ${String(queue.queue_id)}`;
    if (ids.has(queue.queue_id)) badImage(`${what}: it is there twice`);
    ids.add(queue.queue_id);
    const name = Buffer.from(queue.name).toString('latin1');
    if (queue.is_removed !== true) {
      if (names.has(name)) badImage(`${what}: another has its name`);
      names.add(name);
    }
    checkQueue(queue, what);
    for (const { data } of queue.messages) bytes += data.length;
    if (bytes > MAX_MESSAGE_BYTES) badImage(`${what}: too many bytes in message queues`);
  }
  for (const { id, queue_id: queue } of files) {
    if (!ids.has(queue)) badImage(`check file ${String(id)}: its message queue does not exist`);
  }
}

function checkQueue(queue: MvasMqueueEntry, what: string): void {
  const { name, uid, gid, mode, max_messages: count, message_size: size } = queue;
  if (!isName(name)) badImage(`${what}: an impossible name`);
  if (uid === NOBODY || gid === NOBODY || mode > PERMISSIONS) badImage(`${what}: a bad owner`);
  if (!isUpTo(count, MOST.messages) || !isUpTo(size, MOST.size)) {
    badImage(`${what}: an impossible size`);
  }
  checkMessages(queue, what);
}

/** In the order in which they are received. */
function checkMessages(
  { messages, max_messages: most, message_size: size }: MvasMqueueEntry,
  what: string,
): void {
  if (messages.length > most) badImage(`${what}: more messages than it can hold`);
  let before: number = MOST.priority;
  for (const { priority, data } of messages) {
    if (priority > before || data.length > size) badImage(`${what}: an impossible message`);
    before = priority;
  }
}

function isName(name: Uint8Array): boolean {
  const text = Buffer.from(name).toString('latin1');
  return isUpTo(name.length, MOST.name) && /^[^/\0]+$/.test(text) && text !== '.' && text !== '..';
}

function isUpTo(value: number, most: number): boolean {
  return value > 0 && value <= most;
}
