// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { descendantsOf, inTheWay, originsOf } from '../../../../src/criu/tracee/outsiders.js';

test('who descends from an init is told by the parents', (t) => {
  const tree = [
    [9, 7],
    [7, 5],
    [5, 1],
    [6, 5],
    [20, 2],
    [21, 20],
  ] as const;
  t.deepEqual(descendantsOf(5, new Map(tree)), [5, 7, 6, 9]);
  t.deepEqual(descendantsOf(5, new Map([[5, 5]])), [5]);
});

test('a process from outside is not the own of a container, nor is one that has ended in the way', (t) => {
  const { pid, ppid } = process;
  const gone = 2 ** 22 + 1; // Above all pids that there can be.
  t.deepEqual(originsOf(ppid, [ppid, pid]), { own: [ppid, pid], outsiders: [] });
  t.deepEqual(originsOf(pid, [pid, ppid, gone]), { own: [pid, gone], outsiders: [ppid] });
});

test('an exec is named before its descendants', (t) => {
  const { pid, ppid } = process;
  const { message } = inTheWay([ppid, pid], new Map([[pid, 'probe\n1']]));
  t.true(message.startsWith(`pid ${String(pid)} (`));
  t.regex(
    message,
    /\(exec probe\\\S*1\), which is not supported; remedy: end it \(or its exec\) first$/,
  );
  t.notRegex(inTheWay([ppid], new Map()).message, /\(exec/);
});
