// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid } from '../../../../src/common/ids.js';
import { ShimError, type ErrorKind } from '../../../../src/common/errors.js';
import {
  buildTree,
  forkersOf,
  isForkedBeforeSession,
  subtree,
  type TreeNode,
  type TreeProcess,
} from '../../../../src/criu/tree/process-tree.js';

type Ids = readonly [pid: number, ppid: number, pgid: number, sid: number];

/** The first pid that a helper gets. */
const FREE = 2;

function process([pid, ppid, pgid, sid]: Ids, isZombie = false): TreeProcess {
  const ids = { pid: asNsPid(pid), ppid: asNsPid(ppid), pgid: asNsPid(pgid), sid: asNsPid(sid) };
  return { ...ids, isZombie, name: 'task' };
}

function tree(...ids: readonly Ids[]): TreeNode {
  return buildTree(ids.map((one) => process(one))).root;
}

/** `pid(children)`, helpers marked by `+`, zombies by `z`. */
function shape({ pid, kind, children }: TreeNode): string {
  const mark = { process: '', helper: '+', zombie: 'z' }[kind];
  const inner = children.length === 0 ? '' : `(${children.map(shape).join(' ')})`;
  return `${mark}${String(pid)}${inner}`;
}

function node(root: TreeNode, pid: number): TreeNode {
  const found = subtree(root).find((one) => one.pid === pid);
  if (!found) throw new Error(`no node ${String(pid)}`);
  return found;
}

test('children are forked by their parents', (t) => {
  t.is(shape(tree([1, 0, 1, 1], [5, 1, 1, 1], [6, 5, 1, 1], [7, 1, 7, 1])), '1(5(6) 7)');
});

test('zombies are forked too', (t) => {
  const processes = [process([1, 0, 1, 1]), process([5, 1, 1, 1], true)];
  t.is(shape(buildTree(processes).root), '1(z5)');
});

test('a session of its own is made by its leader, and inherited', (t) => {
  t.is(shape(tree([1, 0, 1, 1], [5, 1, 5, 5], [6, 5, 5, 5])), '1(5(6))');
});

test('a child forked before its parent made a session stays with its parent', (t) => {
  const root = tree([1, 0, 1, 1], [5, 1, 5, 5], [6, 5, 1, 1]);
  t.is(shape(root), '1(5(6))');
  t.true(isForkedBeforeSession(node(root, 5), node(root, 6)));
  t.false(isForkedBeforeSession(root, node(root, 5)));
});

test('a helper stands in for a session leader that has gone', (t) => {
  const root = tree([1, 0, 1, 1], [6, 1, 5, 5], [7, 1, 5, 5]);
  t.is(shape(root), '1(+5(6 7))');
  t.like(node(root, 5), { pid: 5, pgid: 5, sid: 5 });
});

test("a living leader's orphan is forked by a helper, which leaves it to PID 1", (t) => {
  const root = tree([1, 0, 1, 1], [5, 1, 5, 5], [7, 1, 5, 5]);
  t.is(shape(root), `1(5(+${String(FREE)}(7)))`);
  t.is(node(root, FREE).sid, asNsPid(5));
});

test('a helper stands in for a leader of a group that has gone', (t) => {
  const root = tree([1, 0, 1, 1], [6, 1, 5, 1], [7, 1, 5, 1]);
  t.is(shape(root), '1(6 7 +5)');
  t.like(node(root, 5), { pgid: 5, sid: 1 });
});

test('a group in another session gets its helper from that session', (t) => {
  const root = tree([1, 0, 1, 1], [5, 1, 5, 5], [7, 5, 6, 5]);
  t.is(shape(root), '1(5(7 +6))');
});

/** In a pid namespace that containers share, where the init is pid 5, and PID 1 is outside. */
const SHARED: readonly (readonly [string, string, readonly Ids[]])[] = [
  [
    'an init that is not PID 1',
    '5(7 8)',
    [
      [5, 0, 5, 5],
      [7, 5, 5, 5],
      [8, 5, 5, 5],
    ],
  ],
  [
    'a left over process',
    '5(+2(7))',
    [
      [5, 0, 5, 5],
      [7, 1, 5, 5],
    ],
  ],
  [
    'a left over leader of a session, with a child',
    '5(+2(7(8)))',
    [
      [5, 0, 5, 5],
      [7, 1, 7, 7],
      [8, 7, 7, 7],
    ],
  ],
  [
    'what is left of a session without a leader',
    '5(+6(7))',
    [
      [5, 0, 5, 5],
      [7, 1, 6, 6],
    ],
  ],
  [
    'what a living leader has lost',
    '5(6(+2(7)))',
    [
      [5, 0, 5, 5],
      [6, 5, 6, 6],
      [7, 1, 6, 6],
    ],
  ],
  [
    'a child from before its parent made a session',
    '5(+2(6(7)))',
    [
      [5, 0, 5, 5],
      [6, 1, 6, 6],
      [7, 6, 5, 5],
    ],
  ],
];

for (const [what, expected, ids] of SHARED) {
  test(`in a shared pid namespace: ${what}`, (t) => {
    t.is(shape(tree(...ids)), expected);
  });
}

test('in a shared pid namespace, what an exec has left over', (t) => {
  const ids: Ids[] = [
    [5, 0, 5, 5],
    [3, 0, 3, 3],
    [7, 1, 3, 3],
  ];
  const { root, outside } = buildTree(ids.map((one) => process(one)));
  t.is(shape(root), '5');
  t.is(outside && shape(outside), '+0(3(+2(7)))');
});

test('helpers get ids that nobody has in the namespace', (t) => {
  const ids: Ids[] = [
    [5, 0, 5, 5],
    [7, 1, 5, 5],
  ];
  const taken = new Set([2, 3].map(asNsTid));
  t.is(
    shape(
      buildTree(
        ids.map((one) => process(one)),
        taken,
      ).root,
    ),
    '5(+4(7))',
  );
});

test('a zombie is nobody’s left over: PID 1 reaps it', (t) => {
  const processes = [process([5, 0, 5, 5]), process([7, 1, 5, 5], true)];
  t.throws(() => buildTree(processes), { message: /pid 7 has no parent/ });
});

const REFUSED: readonly (readonly [string, ErrorKind, RegExp, readonly Ids[]])[] = [
  ['no process', 'dataLoss', /no first process/, []],
  ['a first process with a parent', 'dataLoss', /no first process/, [[5, 1, 5, 5]]],
  [
    'process 1 below another one',
    'dataLoss',
    /process 1 is not the first one/,
    [
      [5, 0, 5, 5],
      [1, 5, 5, 5],
    ],
  ],
  [
    'an inherited process of a subreaper in a shared pid namespace',
    'failedPrecondition',
    /pid 7 \(task\): is in session 6/,
    [
      [5, 0, 5, 5],
      [6, 5, 6, 6],
      [7, 5, 6, 6],
    ],
  ],
  [
    'an init in a session from outside',
    'failedPrecondition',
    /pid 1 \(task\): its session \(0\)/,
    [[1, 0, 1, 0]],
  ],
  [
    'a process without a parent',
    'dataLoss',
    /pid 5 has no parent/,
    [
      [1, 0, 1, 1],
      [5, 4, 1, 1],
    ],
  ],
  [
    'a session that no ancestor can have been in',
    'failedPrecondition',
    /pid 7 \(task\): is in session 9/,
    [
      [1, 0, 1, 1],
      [5, 1, 1, 1],
      [7, 5, 9, 9],
    ],
  ],
  [
    'processes that are each other’s parents',
    'dataLoss',
    /do not descend from its init/,
    [
      [1, 0, 1, 1],
      [5, 6, 1, 1],
      [6, 5, 1, 1],
    ],
  ],
];

for (const [what, kind, message, ids] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    const error = t.throws(() => tree(...ids), { instanceOf: ShimError, message });
    t.is(error?.kind, kind);
  });
}

test('what came by exec is forked from outside, and makes sessions of its own', (t) => {
  const ids: Ids[] = [
    [1, 0, 1, 1],
    [5, 0, 5, 5],
    [6, 5, 5, 5],
    [7, 1, 5, 5],
  ];
  const forest = buildTree(ids.map((one) => process(one)));
  t.is(shape(forest.root), '1');
  t.is(forest.outside && shape(forest.outside), `+0(5(+${String(FREE)}(7) 6))`);
  t.deepEqual([...forkersOf(forest)].map(([pid, by]) => `${String(by)} ${String(pid)}`).sort(), [
    '5 6',
    '5 7',
  ]);
  t.is(buildTree([process([1, 0, 1, 1])]).outside, undefined);
});

test('what came by exec stays in the session of its runtime', (t) => {
  const ids: Ids[] = [
    [1, 0, 1, 1],
    [5, 0, 0, 0],
    [6, 5, 0, 0],
    [7, 5, 7, 0],
    [8, 0, 8, 8],
    [9, 8, 0, 0],
  ];
  const forest = buildTree(ids.map((one) => process(one)));
  const { outside } = forest;
  t.is(outside && shape(outside), '+0(5(6 7) 8(9))');
  t.true(outside && isForkedBeforeSession(node(outside, 8), node(outside, 9)));
});

test('refused: what PID 1 has inherited from a session from outside', (t) => {
  const inherited: Ids[] = [
    [1, 0, 1, 1],
    [5, 1, 0, 0],
  ];
  t.throws(() => tree(...inherited), {
    message: /^pid 5 \(task\): PID 1 has inherited it, .* session outside of the container/,
  });
  t.throws(() => tree([1, 0, 1, 1], [5, 1, 0, 1]), { message: /pid 5 is in no process group/ });
  const lost: Ids[] = [
    [1, 0, 1, 1],
    [5, 0, 0, 0],
    [6, 0, 5, 0],
  ];
  t.throws(() => tree(...lost), { message: /pid 6 is in a process group of another session/ });
});

test('refused: what came from outside and leads no session, or has ended', (t) => {
  const init = process([1, 0, 1, 1]);
  t.throws(() => buildTree([init, process([5, 0, 1, 1])]), {
    message:
      'pid 5 (task): its session (1) or group (1) was made outside of the container, which is not supported; remedy: end it',
  });
  t.throws(() => buildTree([init, process([5, 0, 5, 5], true)]), {
    message: /pid 5 has no parent/,
  });
});

test('refused: a session below an exec that was there before it', (t) => {
  const init = process([1, 0, 1, 1]);
  const exec = process([5, 0, 5, 5]);
  const message =
    'pid 6 (task): is in session 1, which its parent cannot have been in: not supported; remedy: end it';
  t.throws(() => buildTree([init, exec, process([6, 5, 1, 1])]), { message });
  const below = [process([6, 5, 6, 6]), process([7, 6, 1, 1])];
  t.throws(() => buildTree([init, exec, ...below]), {
    message: /pid 6 \(task\): was in session 1/,
  });
});

test('refused: a child of a zombie', (t) => {
  const processes = [process([1, 0, 1, 1]), process([5, 1, 1, 1], true), process([6, 5, 1, 1])];
  t.throws(() => buildTree(processes), { message: /pid 6 has no parent/ });
});

test('sessions are inherited over any number of levels', (t) => {
  const root = tree([1, 0, 1, 1], [5, 1, 5, 5], [6, 5, 6, 6], [7, 6, 7, 7], [8, 7, 1, 1]);
  t.is(shape(root), '1(5(6(7(8))))');
  for (const [parent, child] of [
    [5, 6],
    [6, 7],
    [7, 8],
  ] as const) {
    t.true(isForkedBeforeSession(node(root, parent), node(root, child)), String(child));
  }
});

test('a group remains when its leader has left it', (t) => {
  const root = tree([1, 0, 1, 1], [5, 1, 1, 1], [6, 1, 5, 1]);
  t.true(node(root, 5).leavesGroup);
  t.is(shape(root), `1(5 6 +${String(FREE)})`);
});

test('no helper takes the number of a group or session whose leader has gone', (t) => {
  const root = tree([1, 0, 1, 1], [3, 1, 3, 3], [4, 1, 3, 3], [5, 1, 2, 1]);
  t.is(shape(root), '1(3(+6(4)) 5 +2)');
});
