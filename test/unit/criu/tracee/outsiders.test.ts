// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid, ownPid } from '../../../../src/common/ids.js';
import { descendantsOf, inTheWay, originsOf } from '../../../../src/criu/tracee/outsiders.js';

test('who descends from an init is told by the parents', (t) => {
  const tree = [
    [9, 7],
    [7, 5],
    [5, 1],
    [6, 5],
    [20, 2],
    [21, 20],
  ].map(([pid = 0, ppid = 0]) => [asHostPid(pid), asHostPid(ppid)] as const);
  const five = asHostPid(5);
  t.deepEqual([...descendantsOf(five, new Map(tree))], [5, 7, 6, 9].map(asHostPid));
  t.deepEqual(descendantsOf(five, new Map([[five, five]])), [five]);
});

test('a process from outside is not a container’s own, and one that has ended is not in the way', (t) => {
  const [pid, ppid] = [ownPid(), asHostPid(process.ppid)];
  const gone = asHostPid(2 ** 22 + 1); // Above any possible pid.
  t.like(originsOf(ppid, [ppid, pid]), { own: [ppid, pid], outsiders: [] });
  t.like(originsOf(pid, [pid, ppid, gone]), { own: [pid, gone], outsiders: [ppid] });
  t.deepEqual([...originsOf(pid, [pid, gone]).vitals.keys()], [pid]);
});

test('an exec is named before its descendants', (t) => {
  const [pid, ppid] = [ownPid(), asHostPid(process.ppid)];
  const { message } = inTheWay([ppid, pid], new Map([[pid, 'probe\n1']]));
  t.true(message.startsWith(`pid ${String(pid)} (`));
  t.regex(
    message,
    /\(exec probe\\\S*1\), and not to be taken along; remedy: end it \(or its exec\) first$/,
  );
  t.notRegex(inTheWay([ppid], new Map()).message, /\(exec/);
});
