// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/**
 * The life of a task. The one table of what may happen when:
 *
 * ```
 *  created ──────┐ start            ┌── pause ──▶
 *  checkpointed ─┴──────▶ running ◀─┴─ resume ── paused
 *     │ any of them, at its init's exit ──▶ stopped ── delete ──▶ deleted
 * ```
 *
 * `checkpointed` is a task created from a checkpoint: nothing of it runs before its start.
 */
export type TaskState = 'created' | 'checkpointed' | 'running' | 'paused' | 'stopped' | 'deleted';

/** What can be asked of a task, depending on its state; and `exit`, which happens by itself. */
export type Verb =
  | 'start'
  | 'pause'
  | 'resume'
  | 'checkpoint'
  | 'rollback'
  | 'exec'
  | 'execStart'
  | 'update'
  | 'delete'
  | 'exit';

const TABLE: Readonly<Record<TaskState, Partial<Record<Verb, TaskState>>>> = {
  created: {
    start: 'running',
    exec: 'created',
    execStart: 'created',
    update: 'created',
    delete: 'deleted',
    exit: 'stopped',
  },
  checkpointed: { start: 'running', delete: 'deleted', exit: 'stopped' },
  running: {
    pause: 'paused',
    checkpoint: 'running',
    rollback: 'running',
    exec: 'running',
    execStart: 'running',
    update: 'running',
    exit: 'stopped',
  },
  paused: { resume: 'running', checkpoint: 'paused', update: 'paused', exit: 'stopped' },
  stopped: { delete: 'deleted' },
  deleted: {},
};

/**
 * The state after a verb.
 *
 * @throws ShimError `unknown` if the verb is not permitted in this state, which is the class that clients know from
 * containerd's own shim; `failedPrecondition` for a process that is started after the end of init, as from
 * containerd 1.7 on; `notFound` if the task is deleted
 */
export function next(state: TaskState, verb: Verb, id: string): TaskState {
  const after = TABLE[state][verb];
  if (after !== undefined) return after;
  if (state === 'deleted') throw new ShimError('notFound', `task ${id} is deleted`);
  const kind = state === 'stopped' && verb === 'execStart' ? 'failedPrecondition' : 'unknown';
  throw new ShimError(kind, `cannot ${WORDS[verb]} task ${id}: it is ${state}`);
}

const WORDS: Readonly<Record<Verb, string>> = {
  start: 'start',
  pause: 'pause',
  resume: 'resume',
  checkpoint: 'checkpoint',
  rollback: 'roll back',
  exec: 'add a process to',
  execStart: 'start a process in',
  update: 'update',
  delete: 'delete',
  exit: 'end',
};
