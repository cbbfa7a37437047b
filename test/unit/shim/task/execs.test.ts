// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid } from '../../../../src/common/ids.js';
import { Execs } from '../../../../src/shim/task/execs.js';

const STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };

test('an exec is known by its pid while it runs', async (t) => {
  const execs = new Execs('web');
  execs.add('probe-1', STDIO, '{}');
  execs.add('probe-2', STDIO, '{}');
  t.is(execs.byPid().size, 0, 'none has been started');
  execs.get('probe-1').pid = asHostPid(7);
  t.deepEqual([...execs.byPid()], [[7, 'probe-1']]);
  await execs.get('probe-1').end();
  execs.get('probe-2').pid = asHostPid(7);
  t.deepEqual([...execs.byPid()], [[7, 'probe-2']], 'the pid is that of another now');
  execs.get('probe-2').finish({ status: 0, at: new Date() });
  t.is(execs.byPid().size, 0);
});
