// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Pod } from '../../helpers/pod.js';
import { until } from '../../helpers/run.js';
import { Counter, mvas, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/** Containers that share a pid namespace which they do not own: what is refused, and that they go on. */

const yard = new Yard();
const neighbour = yard.compile('neighbour');

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** A container of plain runc, in a pod or not, that has something of the pod's PID 1. */
async function started(t: ExecutionContext, holds = '', sharesPids = true): Promise<Counter> {
  t.timeout(120_000);
  const program = sharesPids
    ? { binary: neighbour, env: [`HOLDS=${holds}`], sharesPids }
    : { binary: yard.binary, env: ['MEGABYTES=1'] };
  const container = new Counter(yard, program);
  t.teardown(() => container.close(!t.passed));
  await container.start();
  return container;
}

/** Has a container name another pid namespace in its spec; undefined: its own. */
function moveTo(container: Counter, path?: string): void {
  const config = join(container.run.place.bundle, 'config.json');
  const spec = JSON.parse(readFileSync(config, 'utf8')) as {
    linux: { namespaces: { type: string; path?: string }[] };
  };
  spec.linux.namespaces = spec.linux.namespaces.map((one) =>
    one.type === 'pid' ? { type: 'pid', ...(path !== undefined && { path }) } : one,
  );
  writeFileSync(config, JSON.stringify(spec));
}

/** Takes the checkpoint that ends a container, and deletes it. */
async function ended(t: ExecutionContext, container: Counter): Promise<string> {
  const image = container.newImage();
  const { status, stderr } = await mvas(container.checkpointArgs(image, false));
  t.is(status, 0, stderr);
  await container.delete();
  return image;
}

async function refused(t: ExecutionContext, args: readonly string[], why: RegExp): Promise<void> {
  const { status, stderr } = await mvas(args);
  t.not(status, 0);
  t.regex(stderr, why);
}

const HELD: Readonly<Record<string, RegExp>> = {
  pidfd: /fd 3: a pidfd of a process outside the container; remedy: close it/,
  file: /fd 3: \/proc\/1\/status is of a process outside the container; remedy: close it/,
  directory: /cwd \/proc\/1\/task: \/proc\/1\/task is of a process outside the container; remedy/,
  owner: /fd 3: its owner for signals \(F_SETOWN\) is outside the container; remedy/,
};

for (const [holds, why] of Object.entries(HELD)) {
  test.serial(`refused: what is of another container: ${holds}`, async (t) => {
    const container = await started(t, holds);
    await refused(t, container.checkpointArgs(container.newImage()), why);
    t.is(await container.run.go(), 'PASS');
  });
}

test.serial('the ids of a checkpoint that is left running are taken', async (t) => {
  const container = await started(t);
  const image = container.newImage();
  const { status, stderr } = await mvas(container.checkpointArgs(image, true));
  t.is(status, 0, stderr);
  const args = container.restoreArgs(image);
  args[args.length - 1] = 'another';
  const why =
    /restore another: id \d+ of the checkpoint is taken .*\(target\), pid \d+ of the host/;
  await refused(t, args, why);
  t.is(await container.run.go(), 'PASS');
});

test.serial('a container that shared a pid namespace is not restored into its own', async (t) => {
  const container = await started(t);
  const image = await ended(t, container);
  moveTo(container);
  await refused(t, container.restoreArgs(image), /shared a pid namespace \(as pid \d+\).*remedy/);
});

test.serial(
  'a container with its own pid namespace is not restored into a shared one',
  async (t) => {
    const container = await started(t, '', false);
    const image = await ended(t, container);
    const pod = new Pod();
    t.teardown(pod.end);
    moveTo(container, pod.namespace);
    await refused(t, container.restoreArgs(image), /had a pid namespace of its own.*remedy/);
  },
);

test.serial('a path to the pid namespace of the host is refused', async (t) => {
  const container = await started(t);
  const image = await ended(t, container);
  moveTo(container, '/proc/self/ns/pid');
  const why = /is the pid namespace of the host, which is not supported; remedy/;
  await refused(t, container.restoreArgs(image), why);
  await container.start();
  await refused(t, container.checkpointArgs(container.newImage()), why);
  t.is(await container.run.go(), 'PASS');
});

test.serial('a container goes on after its memory was copied from twins', async (t) => {
  const program = { binary: yard.binary, env: ['MEGABYTES=32'], sharesPids: true };
  const container = new Counter(yard, program);
  t.teardown(() => container.close(!t.passed));
  await container.start();
  const names = () => container.run.othersInPod().map((one) => one.replace(/ .*/, ''));
  const before = names();
  t.true(before.length > 0);
  const [verb = '', ...rest] = container.checkpointArgs(container.newImage());
  const { status, stderr } = await mvas([verb, '--twin', 'always', ...rest]);
  t.is(status, 0, stderr);
  await container.countsOn();
  const areAlone = () => Promise.resolve(names().join() === before.join());
  await t.notThrowsAsync(until('no twin to be left in the pod', areAlone));
  t.is(await container.run.go(), 'PASS');
});

test.serial(
  'a container is restored without another one that shared its pid namespace',
  async (t) => {
    const owner = await started(t, '', false);
    const guest = new Counter(yard, { binary: neighbour, env: ['HOLDS='] });
    t.teardown(() => guest.close(!t.passed));
    moveTo(guest, `/proc/${String(await owner.run.initPid())}/ns/pid`);
    await guest.start();
    const { status, stderr } = await mvas(owner.checkpointArgs(owner.newImage(), true));
    t.is(status, 0, stderr);
    await owner.countsOn();
    const image = owner.newImage();
    const { status: last, stderr: said } = await mvas(owner.checkpointArgs(image, false));
    t.is(last, 0, said);
    const at = owner.count();
    await guest.delete();
    await owner.delete();
    owner.setCount(at);
    await owner.run.restore(image);
    await owner.countsOn();
    t.is(await owner.run.go(), 'PASS');
  },
);
