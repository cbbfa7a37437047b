// SPDX-License-Identifier: Apache-2.0
import { anyOf, type MessageName, type ShimMessages } from '../proto/codec.js';
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from '../proto/messages/events.js';
import type { AnyValue } from '../proto/values.js';

/** An event of a task, ready to be sent. */
export interface TaskEvent {
  readonly topic: string;
  readonly event: AnyValue;
}

const event =
  <N extends MessageName>(topic: string, name: N) =>
  (value: Partial<ShimMessages[N]>): TaskEvent => ({ topic, event: anyOf(name, value) });

/** One constructor for each kind of event. */
export const taskEvent = {
  create: event('/tasks/create', TaskCreate),
  start: event('/tasks/start', TaskStart),
  exit: event('/tasks/exit', TaskExit),
  delete: event('/tasks/delete', TaskDelete),
  execAdded: event('/tasks/exec-added', TaskExecAdded),
  execStarted: event('/tasks/exec-started', TaskExecStarted),
  paused: event('/tasks/paused', TaskPaused),
  resumed: event('/tasks/resumed', TaskResumed),
  oom: event('/tasks/oom', TaskOOM),
  checkpointed: event('/tasks/checkpointed', TaskCheckpointed),
} as const;
