// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { openFile, readEntry, startFile, writeEntry, type DecodeLimits } from './codec.js';
import type { IpcMsgEntry } from './types.js';

/** A message of a System V message queue. */
export interface QueuedMessage {
  readonly type: bigint;
  readonly data: Uint8Array;
}

/** A System V message queue; its messages in the order in which they were sent. */
export interface MessageQueue {
  readonly entry: IpcMsgEntry;
  readonly messages: readonly QueuedMessage[];
}

/** The data of messages is padded to a multiple of this. */
const ALIGNMENT = 8;

/** Encodes an ipcns-msg image. @throws ShimError `internal` where an entry tells of other messages */
export function encodeQueues(queues: readonly MessageQueue[]): Uint8Array {
  const writer = startFile('ipcns-msg');
  for (const { entry, messages } of queues) {
    if (entry.qnum !== messages.length) {
      throw new ShimError('internal', `encode ipcns-msg: ${String(messages.length)} messages`);
    }
    writeEntry(writer, 'ipc_msg_entry', entry);
    for (const { type, data } of messages) {
      writeEntry(writer, 'ipc_msg', { mtype: type, msize: data.length });
      writer.raw(data);
      writer.raw(new Uint8Array(paddingOf(data.length)));
    }
  }
  return writer.finish();
}

/** Decodes an ipcns-msg image. Throws ShimError `dataLoss`. */
export function decodeQueues(bytes: Uint8Array, limits: DecodeLimits = {}): MessageQueue[] {
  const file = openFile('ipcns-msg', bytes, limits);
  const queues: MessageQueue[] = [];
  while (!file.reader.done) {
    const entry = readEntry(file, 'ipc_msg_entry');
    const messages: QueuedMessage[] = [];
    for (let count = 0; count < entry.qnum; count++) {
      const { mtype: type, msize } = readEntry(file, 'ipc_msg');
      messages.push({ type, data: file.reader.take(msize) });
      file.reader.take(paddingOf(msize));
    }
    queues.push({ entry, messages });
  }
  return queues;
}

function paddingOf(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}
