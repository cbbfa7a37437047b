// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError, type ErrorKind } from '../../../../src/common/errors.js';
import { next, type TaskState, type Verb } from '../../../../src/shim/task/state.js';

const STATES: readonly TaskState[] = [
  'created',
  'checkpointed',
  'running',
  'paused',
  'stopped',
  'deleted',
];

function refusal(state: TaskState, verb: Verb): ErrorKind {
  if (state === 'deleted') return 'notFound';
  return state === 'stopped' && verb === 'execStart' ? 'failedPrecondition' : 'unknown';
}

const allowed = test.macro({
  exec(t, verb: Verb, outcome: Partial<Record<TaskState, TaskState>>) {
    for (const state of STATES) {
      const after = outcome[state];
      if (after === undefined) {
        const error = t.throws(() => next(state, verb, 'a'), { instanceOf: ShimError });
        t.is(error?.kind, refusal(state, verb), state);
      } else t.is(next(state, verb, 'a'), after, state);
    }
  },
  title: (_, verb) => `${String(verb)} is possible in its states only`,
});

test(allowed, 'start', { created: 'running', checkpointed: 'running' });
test(allowed, 'pause', { running: 'paused' });
test(allowed, 'resume', { paused: 'running' });
test(allowed, 'checkpoint', { running: 'running', paused: 'paused' });
test(allowed, 'exec', { created: 'created', running: 'running' });
test(allowed, 'execStart', { created: 'created', running: 'running' });
test(allowed, 'update', { created: 'created', running: 'running', paused: 'paused' });
test(allowed, 'delete', { created: 'deleted', checkpointed: 'deleted', stopped: 'deleted' });
test(allowed, 'exit', {
  created: 'stopped',
  checkpointed: 'stopped',
  running: 'stopped',
  paused: 'stopped',
});
