// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../../../common/errors.js';
import { groupBy } from '../../../../../common/group-by.js';
import { O, SETTABLE } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { MvasMqueueEntry } from '../../../../image/types.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { planRaisedLimit, RLIMIT } from '../../raised-limit.js';
import type { Stage } from '../../stage.js';

const ATTRIBUTES_SIZE = 64;

/** Makes all queues with their messages, those first that get removed; and opens them again. */
export function openQueues(plan: PlanContext, files: readonly StagedFile<'mvas_mqueue'>[]): void {
  const { stage, index, options } = plan;
  const { mqueues } = index.image;
  if (mqueues.length === 0) return;
  if (options.sharesIpc === true) {
    const why = 'it has message queues, and the new container shares its IPC namespace';
    throw new ShimError('failedPrecondition', `${why}; remedy: give it its own`);
  }
  planRaisedLimit(stage, 'raise the limit of message queues', RLIMIT.msgqueue);
  const opened = groupBy(files, ({ body }) => body.queue_id);
  const removed = mqueues.filter((queue) => queue.is_removed === true);
  const named = mqueues.filter((queue) => queue.is_removed !== true);
  for (const queue of [...removed, ...named]) {
    make(stage, queue, opened.get(queue.queue_id) ?? []);
  }
}

function make(
  stage: Stage,
  queue: MvasMqueueEntry,
  ends: readonly StagedFile<'mvas_mqueue'>[],
): void {
  const { builder } = stage;
  const what = `message queue /${Buffer.from(queue.name).toString('latin1')}`;
  const name = builder.data(Buffer.concat([queue.name, Buffer.of(0)]), 1);
  const attributes = Buffer.alloc(ATTRIBUTES_SIZE);
  attributes.writeBigUInt64LE(BigInt(queue.max_messages), 8);
  attributes.writeBigUInt64LE(BigInt(queue.message_size), 16);
  const number = stage.reserve();
  const flags = O.rdwr | O.creat | O.excl | O.nonblock | O.cloexec;
  stage.make(`make ${what}`, number, SYS.mq_open, [name, flags, 0o600, builder.data(attributes)]);
  for (const { priority, data } of queue.messages) {
    const args = [number, builder.data(data, 1), data.length, priority, null];
    stage.run(`${what}: send a message`, SYS.mq_timedsend, args);
  }
  for (const { body, number: end } of ends) {
    const kept = body.flags & (O.accessMode | SETTABLE);
    // What open(2) has opened, by a mount of the queues, has a flag that mq_open(3) does not set.
    if (body.flags & O.largefile) stage.reopen(`open ${what}`, end, number, kept);
    else stage.make(`open ${what}`, end, SYS.mq_open, [name, kept | O.cloexec, 0, null]);
  }
  stage.run(`${what}: owner`, SYS.fchown, [number, queue.uid, queue.gid]);
  stage.run(`${what}: mode`, SYS.fchmod, [number, queue.mode]);
  if (queue.is_removed === true) stage.run(`remove ${what}`, SYS.mq_unlink, [name]);
  stage.close(number);
}
