// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  cgroup,
  create,
  gone,
  metrics,
  pause,
  remove,
  resume,
  running,
  sh,
  read,
  start,
  state,
  update,
  wait,
} from '../steps.js';

const MEMORY_LIMIT = 32 * 1024 * 1024;
const memory = (limit: number): { linux: { resources: { memory: object } } } => ({
  linux: { resources: { memory: { limit, swap: limit } } },
});

export const limits: Group = {
  name: 'limits',
  scenarios: [
    {
      title: 'init runs out of memory',
      process: { args: sh('echo ready; x=$(head -c 100000000 /dev/zero | tr "\\\\0" x)') },
      spec: memory(MEMORY_LIMIT),
      steps: [create, start(), wait(), state(), remove],
    },
    {
      title: 'limits are those of the spec',
      spec: memory(MEMORY_LIMIT),
      steps: [...running, cgroup('memory', 'memory.limit_in_bytes'), ...gone],
    },
    {
      title: 'limits are changed',
      steps: [
        ...running,
        update({ pids: { limit: 50 }, cpu: { shares: 512 } }),
        cgroup('pids', 'pids.max'),
        cgroup('cpu', 'cpu.shares'),
        pause,
        update({ pids: { limit: 60 } }),
        cgroup('pids', 'pids.max'),
        resume,
        ...gone,
        update({ pids: { limit: 70 } }),
      ],
    },
    {
      title: 'limits that make no sense',
      steps: [
        ...running,
        update('no json'),
        update({ memory: { limit: 'much' } }),
        state(),
        ...gone,
      ],
    },
    {
      title: 'limits before the start and after the end',
      process: { args: ['true'] },
      steps: [
        create,
        update({ pids: { limit: 50 } }),
        cgroup('pids', 'pids.max'),
        start(),
        wait(),
        update({ pids: { limit: 60 } }),
        remove,
      ],
    },
    {
      title: 'metrics of a task',
      steps: [
        create,
        metrics,
        start(),
        read('ready\n'),
        metrics,
        pause,
        metrics,
        resume,
        ...gone,
        metrics,
      ],
    },
  ],
};
