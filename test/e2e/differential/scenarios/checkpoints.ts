// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  checkpoint,
  create,
  gone,
  kill,
  pause,
  read,
  remove,
  restore,
  resume,
  runExec,
  running,
  start,
  state,
  wait,
} from '../steps.js';

/** Checkpoints: theirs by CRIU, which is in containerd's PATH. */
export const checkpoints: Group = {
  name: 'checkpoint',
  needsCriu: true,
  scenarios: [
    {
      title: 'the task goes on',
      steps: [...running, checkpoint('leave'), state(), ...runExec('e', ['true']), ...gone],
    },
    {
      title: 'the task ends',
      steps: [...running, checkpoint('exit'), wait(), state(), remove],
    },
    {
      title: 'a paused task stays paused',
      steps: [...running, pause, checkpoint('leave'), state(), resume, ...gone],
    },
    {
      title: 'a task goes on from its checkpoint',
      steps: [
        ...running,
        checkpoint('exit'),
        wait(),
        remove,
        restore,
        state(),
        start(),
        state(),
        ...runExec('e', ['true']),
        kill(15),
        wait(),
        state(),
        remove,
      ],
    },
    {
      title: 'a task is created from a checkpoint and deleted without a start',
      steps: [...running, checkpoint('exit'), wait(), remove, restore, state(), remove, state()],
    },
    {
      title: 'a task that does not run',
      steps: [
        checkpoint('leave'),
        create,
        checkpoint('leave'),
        start(),
        read('ready\n'),
        kill(9),
        wait(),
        checkpoint('leave'),
        remove,
      ],
    },
  ],
};
