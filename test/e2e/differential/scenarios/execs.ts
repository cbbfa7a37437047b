// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  atOnce,
  begin,
  create,
  end,
  exec,
  gone,
  kill,
  pids,
  read,
  remove,
  removeExec,
  runExec,
  running,
  sh,
  start,
  state,
  wait,
} from '../steps.js';

const asleep = ['sleep', '100'];

export const execs: Group = {
  name: 'exec',
  scenarios: [
    {
      title: 'a command runs in the container',
      steps: [
        ...running,
        exec('e', sh('echo out; echo err >&2; hostname')),
        state('e'),
        start('e'),
        wait('e'),
        state('e'),
        removeExec('e'),
        state('e'),
        ...gone,
      ],
    },
    {
      title: 'exit codes are kept',
      steps: [
        ...running,
        ...[0, 1, 2, 63, 64, 125, 126, 127, 128, 129, 137, 143, 192, 254, 255].flatMap((code) =>
          runExec(`exit-${String(code)}`, sh(`exit ${String(code)}`)),
        ),
        ...gone,
      ],
    },
    {
      title: 'a command that is not there',
      steps: [
        ...running,
        exec('e', ['/no/such/command']),
        start('e'),
        state('e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a command that may not be executed',
      steps: [...running, exec('e', ['/etc/passwd']), start('e'), removeExec('e'), ...gone],
    },
    {
      title: 'a working directory that is not there',
      steps: [
        ...running,
        exec('e', { args: ['pwd'], spec: { cwd: '/no/such/directory' } }),
        start('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'user, environment and directory are those of the request',
      steps: [
        ...running,
        exec('e', {
          args: sh('id -u; id -g; echo $GREETING; pwd'),
          spec: { user: { uid: 33, gid: 34 }, env: ['PATH=/bin', 'GREETING=hello'], cwd: '/tmp' },
        }),
        start('e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'pids name the execs',
      steps: [
        ...running,
        exec('one', asleep),
        start('one'),
        exec('two', asleep),
        start('two'),
        state('one'),
        state('two'),
        begin('w', wait('one')),
        kill(9, 'one'),
        end('w'),
        removeExec('one'),
        kill(9),
        wait('two'),
        wait(),
        remove,
      ],
    },
    {
      title: 'the processes of a container of sleepers',
      process: { args: ['sleep', '100'] },
      steps: [create, start(), pids, exec('e', asleep), start('e'), pids, ...gone],
    },
    {
      title: 'init ends while an exec runs',
      steps: [
        ...running,
        exec('e', sh('echo up; sleep 100')),
        start('e'),
        read('up\n', 'e'),
        kill(15),
        wait('e'),
        wait(),
        state('e'),
        state(),
        removeExec('e'),
        remove,
      ],
    },
    {
      title: 'a task is deleted with execs that ended',
      steps: [...running, exec('e', ['true']), start('e'), wait('e'), ...gone, state('e')],
    },
    {
      title: 'delete of a running exec is refused',
      steps: [
        ...running,
        exec('e', asleep),
        start('e'),
        removeExec('e'),
        kill(9, 'e'),
        wait('e'),
        removeExec('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'an exec is deleted before its start',
      steps: [...running, exec('e', asleep), removeExec('e'), start('e'), ...gone],
    },
    {
      title: 'an exec id is used once at a time',
      steps: [
        ...running,
        exec('e', ['true']),
        exec('e', ['true']),
        start('e'),
        wait('e'),
        exec('e', ['true']),
        start('e'),
        removeExec('e'),
        ...runExec('e', ['true']),
        ...gone,
      ],
    },
    {
      title: 'exec ids with odd characters',
      steps: [
        ...running,
        ...['../up', 'a/b', '', '-x', 'a b', 'é', 'A.b_c-1', 'x'.repeat(76), 'x'.repeat(77)].map(
          (execId) => exec(execId, ['true']),
        ),
        ...gone,
      ],
    },
    {
      title: 'exec in a task that has not started',
      steps: [create, exec('e', sh('echo early')), start('e'), wait('e'), removeExec('e'), ...gone],
    },
    {
      title: 'exec in a stopped task',
      process: { args: ['true'] },
      steps: [create, start(), wait(), exec('e', ['true']), start('e'), state('e'), remove],
    },
    {
      title: 'exec was asked for before the end and started after it',
      steps: [...running, exec('e', ['true']), kill(9), wait(), start('e'), state('e'), remove],
    },
    {
      title: 'nothing is known of an exec that was never asked for',
      steps: [...running, start('e'), state('e'), wait('e'), removeExec('e'), ...gone],
    },
    {
      title: 'two wait for the end of an exec',
      steps: [
        ...running,
        exec('e', asleep),
        begin('one', wait('e')),
        start('e'),
        begin('two', wait('e')),
        kill(9, 'e'),
        end('one'),
        end('two'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a command with a name of 20,000 bytes',
      steps: [...running, exec('e', ['x'.repeat(20_000)]), start('e'), removeExec('e'), ...gone],
    },
    {
      title: 'many at once',
      isUnordered: true,
      steps: [
        ...running,
        atOnce(
          ...Array.from({ length: 12 }, (_, index) =>
            runExec(`e${String(index)}`, sh(`echo ${String(index)}; exit ${String(index)}`)),
          ),
        ),
        ...gone,
      ],
    },
  ],
};
