// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { SignalRelay } from '../../../src/cli/signal-relay.js';

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
  test.serial(`${name} goes to who runs, and before that it cancels`, async (t) => {
    const relay = new SignalRelay();
    t.teardown(() => {
      relay.close();
    });
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    t.teardown(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    relay.forwardTo(asHostPid(child.pid ?? 0));
    process.kill(process.pid, name);
    t.deepEqual(await exit, [null, name]);
    t.false(relay.signal.aborted);
    process.kill(process.pid, name);
    await new Promise((resolve) => setImmediate(resolve)); // It is gone: nobody gets this one.
  });

  test.serial(`${name} that came too late to cancel is not lost`, async (t) => {
    const relay = new SignalRelay();
    t.teardown(() => {
      relay.close();
    });
    const aborted = once(relay.signal, 'abort');
    process.kill(process.pid, name);
    await aborted;
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    t.teardown(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    relay.forwardTo(asHostPid(child.pid ?? 0));
    t.deepEqual(await exit, [null, name]);
  });
}
