// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { ExitGate } from '../../../../src/shim/task/exits.js';

test('the last exit waits for all that are inside', async (t) => {
  const gate = new ExitGate();
  const told: string[] = [];
  const leaveFirst = gate.enter('first');
  const leaveSecond = gate.enter('second');
  const init = gate.close().then(() => told.push('init'));
  told.push('second');
  leaveSecond();
  await Promise.resolve();
  told.push('first');
  leaveFirst();
  await init;
  t.deepEqual(told, ['second', 'first', 'init']);
});

test('nobody enters once init has exited', async (t) => {
  const gate = new ExitGate();
  await gate.close();
  const error = t.throws(() => gate.enter('late'), { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  t.regex(error.message, /its container has exited/);
});

test('leaving twice counts once', async (t) => {
  const gate = new ExitGate();
  const leave = gate.enter('one');
  const leaveOther = gate.enter('other');
  let isEmpty = false;
  const closed = gate.close().then(() => (isEmpty = true));
  leave();
  leave();
  await Promise.resolve();
  t.false(isEmpty);
  leaveOther();
  await closed;
  t.true(isEmpty);
});
