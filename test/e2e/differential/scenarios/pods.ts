// SPDX-License-Identifier: Apache-2.0
import type { Group, Scenario } from '../scenario.js';
import {
  atOnce,
  beside,
  create,
  exec,
  gone,
  kill,
  metrics,
  pause,
  read,
  remove,
  removeExec,
  resume,
  runExec,
  running,
  sh,
  start,
  state,
  wait,
} from '../steps.js';

const both: Scenario['steps'] = [...running, ...beside(...running)];

/** Two containers of one pod, which share a shim. */
export const pods: Group = {
  name: 'pod',
  scenarios: [
    {
      title: 'two containers live, and the first to come goes first',
      isPod: true,
      steps: [
        ...both,
        state(),
        ...beside(state()),
        ...gone,
        state(),
        ...beside(state(), ...runExec('e', sh('echo still here; exit 7')), ...gone),
      ],
    },
    {
      title: 'two containers live, and the last to come goes first',
      isPod: true,
      steps: [...both, ...beside(...gone), ...runExec('e', ['true']), metrics, ...gone],
    },
    {
      title: 'the same exec id in both',
      isPod: true,
      steps: [
        ...both,
        exec('e', ['sleep', '100']),
        ...beside(exec('e', sh('exit 4')), start('e'), wait('e')),
        start('e'),
        state('e'),
        ...beside(state('e'), removeExec('e')),
        kill(9, 'e'),
        wait('e'),
        removeExec('e'),
        ...gone,
        ...beside(...gone),
      ],
    },
    {
      title: 'one is paused, the other goes on',
      isPod: true,
      steps: [
        ...both,
        pause,
        state(),
        ...beside(state(), ...runExec('e', ['true']), kill(15), wait()),
        resume,
        state(),
        ...gone,
        ...beside(remove),
      ],
    },
    {
      title: 'both are killed at the same time',
      isPod: true,
      isUnordered: true,
      steps: [
        ...both,
        atOnce([kill(9)], beside(kill(9))),
        wait(),
        ...beside(wait(), remove),
        remove,
      ],
    },
    {
      title: 'what fails in one is not felt in the other',
      isPod: true,
      steps: [
        ...running,
        ...beside(start(), state(), create, create, start('e'), start(), start()),
        ...beside(read('ready\n')),
        state(),
        ...gone,
        ...beside(...gone),
      ],
    },
    {
      title: 'a container comes after the only one has gone',
      isPod: true,
      steps: [...running, ...gone, ...beside(...running, state(), ...gone)],
    },
  ],
};
