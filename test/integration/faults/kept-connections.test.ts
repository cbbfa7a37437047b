// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { NetnsConnection } from '../../helpers/netns-connection.js';
import type { Engine } from '../../helpers/targets-engine.js';
import type { TargetRun } from '../../helpers/targets-run.js';
import { accompany, busyContainer, changeSpec, gapOf, startBusy } from './busy.js';
import { engine as plain, mvas, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/** `tcp=keep`: connections of a container survive its checkpoint and go on in one restored container. */
const CONNECTIONS = 20;

const yard = new Yard();
const binary = yard.compile('busy');

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** The engine, with these flags at a checkpoint and at a restore. */
const keeping = (saving: readonly string[], restoring = saving): Engine => ({
  ...plain,
  checkpoint: ({ runcRoot, id }, imagePath) =>
    mvas(['checkpoint', '--runc-root', runcRoot, '--image-path', imagePath, ...saving, id]),
  restore: ({ runcRoot, bundle, id }, imagePath, output) => {
    const paths = ['--runc-root', runcRoot, '--bundle', bundle, '--image-path', imagePath];
    return mvas(['restore', ...paths, '--detach', ...restoring, id], { output });
  },
});

test.serial('connections go on in the only copy in their network, and in no other', async (t) => {
  const network = await makeNetwork(t);
  const make = (isShared: boolean, ...flags: readonly string[]) => {
    const run = busyContainer(t, binary, keeping(flags));
    if (isShared) shareNetwork(run, network);
    return run;
  };
  const busy = make(true, '--tcp', 'keep');
  await startBusy(t, busy, CONNECTIONS);
  const outside = await accompany(t, binary, 'client', network, CONNECTIONS);
  const { imagePath, result } = await busy.checkpoint(false);
  t.is(result.status, 0, result.stderr);

  await t.throwsAsync(make(false, '--tcp-established').restore(imagePath), {
    message: /network namespace is not that of its TCP connections/,
  });
  await busy.restore(imagePath);
  await t.throwsAsync(make(true, '--tcp', 'keep').restore(imagePath), {
    message: /cannot be kept \(tcp=keep\).*another restore has it/s,
  });
  t.is(outside.said(), 'READY\n');
  gapOf(t, await outside.end());
  gapOf(t, await busy.go());
});

test.serial('a restore that does not keep connections ends them', async (t) => {
  const network = await makeNetwork(t);
  const busy = busyContainer(t, binary, keeping(['--tcp-established'], ['--tcp-close']));
  shareNetwork(busy, network);
  await startBusy(t, busy, CONNECTIONS);
  const outside = await accompany(t, binary, 'client', network, CONNECTIONS);
  const { imagePath, result } = await busy.checkpoint(false);
  t.is(result.status, 0, result.stderr);
  await busy.restore(imagePath);
  t.regex(await outside.end(), /^FAIL/);
});

function shareNetwork(run: TargetRun, pid: number): void {
  const shared = `{ "type": "network", "path": "/proc/${String(pid)}/ns/net" }`;
  changeSpec(run, /\{\s*"type": "network"\s*\}/, shared);
}

/** A network namespace that a process holds, whose pid this is, with its loopback interface up. */
async function makeNetwork(t: ExecutionContext): Promise<number> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const connection = await NetnsConnection.open(pid, 1, 0); // It raises the interface.
  await t.throwsAsync(connection.read(() => undefined));
  return pid;
}
