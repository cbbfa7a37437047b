// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  begin,
  create,
  end,
  gone,
  kill,
  pids,
  remove,
  running,
  sh,
  start,
  state,
  wait,
} from '../steps.js';

/** From create to delete. */
export const life: Group = {
  name: 'life',
  scenarios: [
    {
      title: 'a container runs and ends by itself',
      process: { args: sh('echo hello; echo trouble >&2') },
      steps: [create, state(), begin('w', wait()), start(), end('w'), state(), remove, state()],
    },
    {
      title: 'a container is created and deleted without a start',
      steps: [create, state(), pids, remove, state(), remove],
    },
    {
      title: 'a container is killed before its start',
      steps: [create, kill(9), wait(), state(), remove],
    },
    {
      title: 'a container ends before anybody has asked for it',
      process: { args: ['true'] },
      steps: [create, start(), wait(), wait(), state(), remove, wait()],
    },
    {
      title: 'delete of a running task is refused',
      steps: [...running, remove, state(), ...gone],
    },
    {
      title: 'a task is deleted twice',
      steps: [...running, ...gone, remove, state(), wait(), kill(9)],
    },
    {
      title: 'a task is created twice',
      steps: [...running, create, state(), ...gone],
    },
    {
      title: 'a task is started twice',
      steps: [...running, start(), state(), ...gone],
    },
    {
      title: 'a stopped task is started again',
      process: { args: ['true'] },
      steps: [create, start(), wait(), start(), remove],
    },
    {
      title: 'nothing is known of a task that was never created',
      steps: [state(), start(), kill(9), wait(), pids, remove],
    },
    {
      title: 'a task is created again after its deletion',
      steps: [...running, ...gone, create, state(), kill(9), wait(), remove],
    },
    {
      title: 'two wait for the same end',
      steps: [
        ...running,
        begin('one', wait()),
        begin('two', wait()),
        kill(15),
        end('one'),
        end('two'),
        remove,
      ],
    },
  ],
};
