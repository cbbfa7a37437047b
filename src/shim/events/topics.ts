// SPDX-License-Identifier: Apache-2.0
import { encode, type MessageType } from '../proto/codec.js';
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskNamed,
  TaskStart,
} from '../proto/events.js';
import type { AnyValue } from '../proto/types.js';

/** An event of a task, ready to be sent. */
export interface TaskEvent {
  readonly topic: string;
  readonly event: AnyValue;
}

const event =
  <T>(topic: string, name: string, type: MessageType<T>) =>
  (value: Partial<T>): TaskEvent => ({
    topic,
    event: { typeUrl: `containerd.events.${name}`, value: encode(type, value) },
  });

/** One constructor for each kind of event. */
export const taskEvent = {
  create: event('/tasks/create', 'TaskCreate', TaskCreate),
  start: event('/tasks/start', 'TaskStart', TaskStart),
  exit: event('/tasks/exit', 'TaskExit', TaskExit),
  delete: event('/tasks/delete', 'TaskDelete', TaskDelete),
  execAdded: event('/tasks/exec-added', 'TaskExecAdded', TaskExecAdded),
  execStarted: event('/tasks/exec-started', 'TaskExecStarted', TaskExecStarted),
  paused: event('/tasks/paused', 'TaskPaused', TaskNamed),
  resumed: event('/tasks/resumed', 'TaskResumed', TaskNamed),
  oom: event('/tasks/oom', 'TaskOOM', TaskNamed),
  checkpointed: event('/tasks/checkpointed', 'TaskCheckpointed', TaskCheckpointed),
} as const;
