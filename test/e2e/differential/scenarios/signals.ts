// SPDX-License-Identifier: Apache-2.0
import type { Group, Scenario } from '../scenario.js';
import {
  create,
  exec,
  gone,
  kill,
  killAll,
  read,
  remove,
  removeExec,
  running,
  sh,
  start,
  state,
  wait,
} from '../steps.js';

/** A shell that dies of a signal, even of one that the kernel spares pid 1 from. */
const diesOf = (signal: number): Scenario => ({
  title: `an exec dies of signal ${String(signal)}`,
  steps: [
    ...running,
    exec('e', sh('echo there; exec sleep 100')),
    start('e'),
    read('there\n', 'e'), // no longer runc's own program
    kill(signal, 'e'),
    wait('e'),
    state('e'),
    removeExec('e'),
    ...gone,
  ],
});

export const signals: Group = {
  name: 'signals',
  scenarios: [
    {
      title: 'init handles SIGTERM',
      steps: [...running, kill(15), wait(), state(), remove],
    },
    {
      title: 'init ignores a signal that it has no handler for',
      steps: [...running, kill(10), state(), ...gone],
    },
    {
      title: 'SIGKILL ends init',
      steps: [...running, kill(9), wait(), state(), remove],
    },
    {
      title: 'signal 0 is delivered to nobody',
      steps: [...running, kill(0), state(), ...gone],
    },
    {
      title: 'a signal that does not exist is refused',
      steps: [...running, kill(99), state(), ...gone],
    },
    {
      title: 'a signal to a stopped task finds nobody',
      process: { args: ['true'] },
      steps: [create, start(), wait(), kill(15), kill(9), killAll(9), remove],
    },
    {
      title: 'all processes get a signal',
      process: { args: sh("sleep 100 & trap 'echo told; exit 4' TERM; echo ready; wait; wait") },
      steps: [...running, killAll(15), wait(), remove],
    },
    {
      title: 'all processes are killed',
      process: { args: sh('sleep 100 & echo ready; wait') },
      steps: [...running, killAll(9), wait(), remove],
    },
    {
      title: 'a signal before the start',
      steps: [create, kill(15), wait(), state(), remove],
    },
    {
      title: 'a signal to an exec that is not there',
      steps: [...running, kill(9, 'nobody'), ...gone],
    },
    {
      title: 'a signal to an exec before its start, and after its end',
      steps: [
        ...running,
        exec('e', ['true']),
        kill(9, 'e'),
        start('e'),
        wait('e'),
        kill(9, 'e'),
        removeExec('e'),
        kill(9, 'e'),
        ...gone,
      ],
    },
    {
      title: 'init stops and goes on',
      steps: [...running, kill(19), state(), kill(18), kill(15), wait(), remove],
    },
    {
      title: 'a signal reaches an exec that handles it',
      steps: [
        ...running,
        exec('e', sh("trap 'echo told; exit 6' USR1; echo up; while :; do sleep 0.05; done")),
        start('e'),
        read('up\n', 'e'),
        kill(10, 'e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    ...[1, 2, 6, 11, 15].map(diesOf),
  ],
};
