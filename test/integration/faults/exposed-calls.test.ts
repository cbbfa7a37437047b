// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { asHostTid } from '../../../src/common/ids.js';
import { readStatus } from '../../../src/criu/procfs/reader.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { until } from '../../helpers/run.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, Yard } from './harness.js';

/**
 * An engine at the one point from which no way home leads: the system call in the vDSO that maps our page, or unmaps
 * it. For the test the call is repeated so often that no kill misses it.
 */
const ENGINE = `
  import { readMaps } from '${REPOSITORY}/dist/src/criu/procfs/reader.js';
  import { syscallInstruction } from '${REPOSITORY}/dist/src/criu/tracee/syscall-page.js';
  import { Tracer } from '${REPOSITORY}/dist/src/native/index.js';

  const GETPPID = 110n;
  const pid = Number(process.argv[1]);
  const tids = Int32Array.of(pid);
  const tracer = new Tracer();
  await tracer.seize(tids, 0x1);
  await tracer.waitStops(tids, 5000);
  const [{ registers, signalMask }] = await tracer.readThreads(tids);
  const calls = BigUint64Array.from({ length: 7 * 50_000 }, (_, i) => (i % 7 === 0 ? GETPPID : 0n));
  const instruction = syscallInstruction({ pid, label: 'the process' }, readMaps(pid));
  const made = tracer.exposedCalls(pid, instruction, registers, signalMask, calls);
  process.stdout.write('begun');
  await made;
  process.stdout.write(', over');
  await tracer.detach(tids);
  process.stdout.write(', gone');
`;

const yard = new Yard();
test.after.always(() => {
  yard.close();
});

function startEngine(pid: number) {
  const flags = ['--input-type=module', '--eval', ENGINE, String(pid)];
  return spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
}

test.serial('a SIGSTOP during a system call of ours stops the process afterwards', async (t) => {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  const pid = await counter.run.initPid();
  const engine = startEngine(pid);
  const said = text(engine.stdout);
  await once(engine.stdout, 'readable');
  process.kill(pid, 'SIGSTOP');
  t.is((await once(engine, 'exit'))[0], 0);
  t.is(await said, 'begun, over, gone');
  await until('the process to stop', () =>
    Promise.resolve(readStatus(asHostTid(pid)).state === 'T'),
  );
  process.kill(pid, 'SIGCONT');
  await t.notThrowsAsync(counter.countsOn());
});

test.serial('a kill during a call that has no way home leaves the process unharmed', async (t) => {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  const before = await counter.run.view();
  const pid = await counter.run.initPid();
  const isTraced = () => Promise.resolve(readStatus(asHostTid(pid)).tracerPid !== 0);
  for (let round = 0; round < 5; round++) {
    const engine = startEngine(pid);
    const said = text(engine.stdout);
    await once(engine.stdout, 'readable');
    await delay(round * 5);
    engine.kill('SIGKILL');
    t.is((await once(engine, 'exit'))[1], 'SIGKILL');
    await until('the tracer to end', async () => !(await isTraced()));
    t.is(await said, 'begun');
    await t.notThrowsAsync(counter.countsOn());
  }
  t.deepEqual(differences(before, await counter.run.view(), []), []);
  t.is(await counter.run.go(), 'PASS');
});
