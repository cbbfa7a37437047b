// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mvas } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { TELL_COUNT, counting, type Count } from '../helpers/workloads/counter.js';
import { image, leavesNothingBehind, pod, useCri, world } from './cri-context.js';

/** Pods with `hostUsers: false`: each has a user namespace with ids of its own on the host. */

useCri();

const HAS_USERS = / v?2\.\d/.test(execFileSync('containerd', ['--version']).toString());
const serial = HAS_USERS ? test.serial : test.serial.skip;
const why = HAS_USERS ? '' : ' (containerd before 2.0 copies the files of the image for each)';

/** The first ids on the host of the pods of a test. */
const [ONE, OTHER] = [100_000, 300_000];

interface Kind {
  readonly firstId: number;
  readonly from?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Starts a counter in a pod of its own; resolves with its id. */
async function start(t: ExecutionContext, name: string, kind: Kind): Promise<string> {
  const { cri } = world();
  const { firstId, from = image(), annotations = {} } = kind;
  const made = await pod(t, name, 'mvas', { firstId });
  const id = await cri.create(made, { name: 'counter', image: from, annotations });
  await cri.start(id);
  return id;
}

async function say(id: string, script: string): Promise<string> {
  return (await world().cri.exec(id, ['/bin/sh', '-c', script])).stdout;
}

async function countOf(id: string): Promise<Count> {
  return await counting(async () => (await world().cri.exec(id, TELL_COUNT)).stdout);
}

/** Runs `mvas`, which has to succeed; resolves with what it prints. */
async function done(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mvas(world().containerd, ...args);
  t.is(code, 0, stderr);
  return stdout;
}

const CHANGE = 'echo mine > /mine; busybox chown 1000:1001 /mine; rm /lines.sh';
const OWNERS = `id -u; busybox stat -c '%u:%g' / /usr /counter.sh /state /mine; echo more >> /mine; ls /lines.sh`;

/** Asserts that a container runs with ids of the host, and has its own files and those that {@link CHANGE} made. */
async function assertMapped(t: ExecutionContext, id: string, firstId: number): Promise<void> {
  const maps = (await say(id, 'cat /proc/self/uid_map')).trim().split(/\s+/);
  t.deepEqual(maps, ['0', String(firstId), '65536']);
  t.is(await say(id, OWNERS), '0\n0:0\n0:0\n0:0\n0:0\n1000:1001\n');
}

/** Asserts that the counter's file and its memory are of the same moment. */
async function assertInStep(t: ExecutionContext, id: string): Promise<void> {
  const lines = (await say(id, 'cat /state')).trimEnd().split('\n');
  const counts = lines.map((line) => Number(line.split(' ')[1]));
  t.deepEqual(
    counts,
    counts.map((_, index) => index + 1),
  );
}

serial(`a container starts from the snapshot of one with other ids${why}`, async (t) => {
  const first = await start(t, 'first', { firstId: ONE });
  const { birth } = await countOf(first);
  await say(first, CHANGE);
  await assertMapped(t, first, ONE);
  await done(t, 'snapshot', '--name', 'users', first);
  t.is((await countOf(first)).birth, birth);
  for (const [name, firstId] of Object.entries({ same: ONE, other: OTHER })) {
    const annotations = { 'mvas.restore': 'users' };
    const clone = await start(t, name, { firstId, annotations });
    t.is((await countOf(clone)).birth, birth);
    await assertMapped(t, clone, firstId);
    await assertInStep(t, clone);
  }
  t.is((await countOf(first)).birth, birth);
  await done(t, 'rm', '--cascade', 'users');
});

serial(`the snapshot that a container takes is for those with other ids${why}`, async (t) => {
  const annotations = { 'mvas.snapshot.when': 'file:/state' };
  const first = await start(t, 'when-first', { firstId: ONE, annotations });
  const { birth } = await countOf(first);
  await until('its snapshot', async () => (await done(t, 'ls', '--json')).includes('complete'));
  const second = await start(t, 'when-second', { firstId: OTHER, annotations });
  t.is((await countOf(second)).birth, birth);
  await assertInStep(t, second);
  await done(t, 'prune', '--keep', '0');
});

serial(
  `a checkpoint by CRI leaves its container running; no other begins from it${why}`,
  async (t) => {
    const { cri, containerd } = world();
    const first = await start(t, 'archived', { firstId: ONE });
    const { birth } = await countOf(first);
    const archive = join(containerd.directory, 'users.tar');
    await cri.checkpoint(first, archive);
    t.is((await countOf(first)).birth, birth);
    for (const [name, firstId] of Object.entries({ 'archive-same': ONE, 'archive-other': OTHER })) {
      await t.throwsAsync(start(t, name, { firstId, from: archive }), {
        message:
          /\/\S+ of its root filesystem belongs to nobody in its user namespace.*remedy: take a snapshot/,
      });
    }
    t.is((await countOf(first)).birth, birth);
  },
);

leavesNothingBehind();
