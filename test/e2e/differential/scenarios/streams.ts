// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import {
  closeStdin,
  create,
  exec,
  gone,
  hangUp,
  kill,
  read,
  remove,
  removeExec,
  resize,
  running,
  sh,
  start,
  state,
  wait,
  write,
} from '../steps.js';

export const streams: Group = {
  name: 'streams',
  scenarios: [
    {
      title: 'stdin reaches init and ends when it is closed',
      process: { args: ['cat'], stdin: true },
      steps: [
        create,
        start(),
        write('one\n'),
        read('one\n'),
        write('two'),
        closeStdin(),
        hangUp(),
        wait(),
        remove,
      ],
    },
    {
      title: 'stdin stays open when the client goes',
      process: { args: sh('read a; echo $a; read b; echo $b'), stdin: true },
      steps: [
        create,
        start(),
        write('one\n'),
        read('one\n'),
        hangUp(),
        write('two\n'),
        read('two\n'),
        wait(),
        remove,
      ],
    },
    {
      title: 'stdin of an exec',
      steps: [
        ...running,
        exec('e', { args: sh('cat; echo end'), stdin: true }),
        start('e'),
        write('text\n', 'e'),
        closeStdin('e'),
        hangUp('e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'close of a stdin that is not there',
      steps: [...running, closeStdin(), closeStdin('nobody'), ...gone, closeStdin()],
    },
    {
      title: 'close of stdin before the start',
      process: { args: sh('cat; echo end'), stdin: true },
      steps: [create, write('text'), closeStdin(), hangUp(), start(), wait(), remove],
    },
    {
      title: 'a megabyte of output',
      process: { args: ['seq', '1', '150000'] },
      steps: [create, start(), wait(), remove],
    },
    {
      title: 'output of an exec, byte by byte',
      steps: [
        ...running,
        exec('e', sh('head -c 300000 /bin/busybox; head -c 300000 /bin/busybox >&2')),
        start('e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a child that keeps the output after the end of an exec',
      steps: [
        ...running,
        exec('e', sh('(sleep 0.3; echo late) & echo early')),
        start('e'),
        wait('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a terminal',
      process: {
        args: sh('tty; echo out; echo err >&2; read line; echo "got $line"'),
        terminal: true,
      },
      steps: [create, start(), read('err\r\n'), state(), write('hello\n'), wait(), remove],
    },
    {
      title: 'the size of a terminal',
      process: {
        args: sh("trap 'stty size' WINCH; stty size; echo ready; while :; do sleep 0.05; done"),
        terminal: true,
      },
      steps: [
        create,
        resize(100, 30),
        start(),
        read('ready\r\n'),
        resize(81, 26),
        read('26 81\r\n'),
        kill(9),
        wait(),
        resize(80, 25),
        remove,
      ],
    },
    {
      title: 'a terminal of an exec',
      steps: [
        ...running,
        exec('e', { args: sh('tty; read line; stty size'), terminal: true }),
        start('e'),
        read('\n', 'e'),
        resize(90, 20, 'e'),
        write('go\n', 'e'),
        wait('e'),
        state('e'),
        removeExec('e'),
        ...gone,
      ],
    },
    {
      title: 'a terminal hears a ctrl-c',
      // Without an echo, which a shell that ends at once may be faster than.
      process: {
        args: sh("stty -echo; trap 'exit 5' INT; echo ready; sleep 100 & wait"),
        terminal: true,
      },
      steps: [create, start(), read('ready\r\n'), write('\u0003'), wait(), remove],
    },
    {
      title: 'the size of what is no terminal',
      steps: [...running, resize(80, 25), resize(80, 25, 'nobody'), ...gone, resize(80, 25)],
    },
  ],
};
