// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  begin,
  cgroup,
  create,
  end,
  exec,
  gone,
  kill,
  killAll,
  pause,
  pids,
  remove,
  removeExec,
  resume,
  running,
  sh,
  start,
  state,
  wait,
} from '../steps.js';

export const pauses: Group = {
  name: 'pause',
  scenarios: [
    {
      title: 'a task is paused and resumed',
      steps: [...running, pause, state(), resume, state(), ...gone],
    },
    {
      title: 'pause and resume at the wrong time',
      steps: [create, pause, resume, start(), resume, pause, pause, resume, resume, ...gone, pause],
    },
    {
      title: 'a stopped task is neither paused nor resumed',
      process: { args: ['true'] },
      steps: [create, start(), wait(), pause, resume, remove],
    },
    {
      title: 'what a paused task refuses',
      process: { args: sh('echo ready; exec sleep 100') },
      steps: [
        ...running,
        pause,
        start(),
        exec('e', ['true']),
        start('e'),
        remove,
        pids,
        state(),
        resume,
        ...gone,
      ],
    },
    {
      title: 'an exec of a paused task',
      steps: [
        ...running,
        exec('e', ['sleep', '100']),
        start('e'),
        exec('later', ['true']),
        pause,
        state('e'),
        state('later'),
        resume,
        state('e'),
        kill(9, 'e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'an exec of a paused task is killed, and the task stays paused',
      isUnordered: true, // it ends while the task is being resumed
      steps: [
        ...running,
        exec('e', ['sleep', '100']),
        start('e'),
        pause,
        kill(9, 'e'),
        state(),
        cgroup('freezer', 'freezer.state'),
        resume,
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a signal to a paused task arrives when it is resumed',
      steps: [...running, pause, kill(15), state(), begin('w', wait()), resume, end('w'), remove],
    },
    {
      title: 'a paused task is killed, with all its processes',
      steps: [...running, pause, killAll(9), wait(), resume, state(), remove],
    },
  ],
};
