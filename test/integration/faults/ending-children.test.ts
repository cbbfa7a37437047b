// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import test from 'ava';
import { asHostPid, type HostPid } from '../../../src/common/ids.js';
import { readChildren, readVitals } from '../../../src/criu/procfs/reader.js';
import { EndedMeanwhile } from '../../../src/criu/retry.js';
import { isDying } from '../../../src/criu/tracee/life-watch.js';
import { Session } from '../../../src/criu/tracee/session.js';
import { Tracer } from '../../../src/native/index.js';
import { until } from '../../helpers/run.js';

const PTRACE_O_TRACEEXIT = 0x40;

/** The only child of a process. */
async function childOf(pid: HostPid): Promise<HostPid> {
  await until('a child', () => Promise.resolve(readChildren(pid, pid).length === 1));
  return readChildren(pid, pid)[0] ?? asHostPid(0);
}

/** A process, the init of a pid namespace below it, and a process in there, for which that init waits when it exits. */
async function family(): Promise<readonly [HostPid, HostPid, HostPid]> {
  const { pid = 0 } = spawn('unshare', ['--pid', '--fork', 'sh', '-c', 'sleep 60 & wait'], {
    stdio: 'ignore',
  });
  const parent = asHostPid(pid);
  const child = await childOf(parent);
  return [parent, child, await childOf(child)];
}

function stop(pid: HostPid): Promise<Session> {
  return Session.seize(pid, undefined, { patience: { limitMs: 0 } });
}

test.serial('a child that is ending is not one outside of the cgroup', async (t) => {
  const [parent, child, last] = await family();
  t.teardown(() => process.kill(parent, 'SIGKILL'));
  await t.throwsAsync(stop(parent), { message: /is not in the cgroup of its container/ });
  const tracer = new Tracer();
  await tracer.seize(Int32Array.of(last), PTRACE_O_TRACEEXIT);
  process.kill(child, 'SIGKILL');
  await until('it to exit', () => Promise.resolve(isDying(child)));
  t.not(readVitals(child).state, 'Z');
  await t.throwsAsync(stop(parent), {
    instanceOf: EndedMeanwhile,
    message: /\(sh\).*: is about to end; remedy: try again$/,
  });
  tracer.close();
});
