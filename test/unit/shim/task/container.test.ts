// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid, type HostPid } from '../../../../src/common/ids.js';
import { setLogSink } from '../../../../src/common/log.js';
import { Bundle } from '../../../../src/shim/bundle.js';
import type { TaskEvent } from '../../../../src/shim/events/topics.js';
import type { Exit } from '../../../../src/shim/reaper.js';
import { checkpointPolicy } from '../../../../src/shim/task/checkpoint-policy.js';
import { Runc } from '../../../../src/shim/runc/runc.js';
import { Container } from '../../../../src/shim/task/container.js';

/** A container in which nothing runs; the test reports the exit of its init. */
function container(): { one: Container; exit: (exit: Exit) => void; topics: string[] } {
  const topics: string[] = [];
  let exit: (exit: Exit) => void = () => undefined;
  const exited = new Promise<Exit>((resolve) => (exit = resolve));
  const never = new Promise<never>(() => undefined);
  const exits = { exitOf: () => exited, launching: (work: () => Promise<HostPid>) => work() };
  const settings = { binary: '/bin/false', root: '/no/such/root', systemdCgroup: false };
  const one = new Container({
    id: 'one',
    bundle: new Bundle('/no/such/bundle'),
    checkpoint: '',
    exits,
    surroundings: {
      namespace: 'test',
      exits,
      engine: {
        checkpoint: () => never,
        spareVas: () => never,
        series: () => never,
        beginRestore: () => never,
        copyTree: () => never,
        addLayer: () => never,
        runMvas: () => never,
        findSnapshot: () => never,
        failsAlways: () => never,
        noteStart: () => never,
      },
      publish: (event: TaskEvent) => topics.push(event.topic),
    },
    spec: {},
    specDigest: '',
    policy: checkpointPolicy({}, {}),
    runc: new Runc(settings, '/dev/null'),
    stdio: { stdin: '', stdout: '', stderr: '', terminal: false },
    owner: { containerId: 'one', namespace: 'test', uid: 0, gid: 0 },
    initFlags: { noPivotRoot: false, noNewKeyring: false },
  });
  return { one, exit, topics };
}

test('the exit of init is told whatever fails before', async (t) => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  const { one, exit, topics } = container();
  one.init.pid = asHostPid(1);
  one.init.end = () => Promise.reject(new Error('no such luck'));
  one.watch();
  exit({ status: 7, at: new Date() });
  t.is((await one.init.exited).status, 7);
  t.is(one.state, 'stopped');
  t.deepEqual(topics, ['/tasks/exit']);
  t.regex(lines.join('\n'), /no such luck/);
});
