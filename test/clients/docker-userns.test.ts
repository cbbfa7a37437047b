// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertInvariant } from '../../src/common/errors.js';
import { PrivateContainerd } from '../helpers/containerd.js';
import { removeVas, vasesOf } from '../helpers/containerd-cleanup.js';
import { PrivateDocker } from '../helpers/docker.js';
import { extractImage } from '../helpers/images/extract.js';
import { findByArgument } from '../helpers/procfs.js';
import { run, until } from '../helpers/run.js';
import { COUNTER, TELL_COUNT, counting, type Count } from '../helpers/workloads/counter.js';

/** Docker with `--userns-remap`: every container has a user namespace, whose ids are the host's from here on. */

const FIRST = 100_000;
const USER = 'mvasremap';
const IMAGE = 'counter:1';
// Docker takes the ids from the files of the system: they are written in a release's root alone, which is thrown away.
const IN_RELEASE = existsSync('/usr/sbin/dockerd') && existsSync('/mnt/host');
const serial = IN_RELEASE ? test.serial : test.serial.skip;
const why = IN_RELEASE ? '' : ' (there is no dockerd in the root of a release)';

interface World {
  readonly containerd: PrivateContainerd;
  readonly docker: PrivateDocker;
  readonly directory: string;
}

let world: World | undefined;
let failed = true; // until all has started

function docker(): PrivateDocker {
  assertInvariant(world !== undefined, 'the daemon is started before the tests');
  return world.docker;
}

function addUser(): void {
  appendFileSync('/etc/passwd', `${USER}:x:990:990::/nonexistent:/usr/sbin/nologin\n`);
  appendFileSync('/etc/group', `${USER}:x:990:\n`);
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    appendFileSync(file, `${USER}:${String(FIRST)}:65536\n`);
  }
}

if (IN_RELEASE) {
  test.serial.before('start Docker on a containerd of our own', async (t) => {
    t.timeout(300_000);
    addUser();
    const directory = await mkdtemp('/var/tmp/mvas-docker-');
    const containerd = await PrivateContainerd.start();
    const remapped = await PrivateDocker.start(containerd, { 'userns-remap': USER });
    world = { containerd, docker: remapped, directory };
    const rootfs = join(directory, 'rootfs');
    await mkdir(rootfs);
    await extractImage(await COUNTER.archive(), rootfs);
    await run('tar', ['-c', '-C', rootfs, '-f', `${rootfs}.tar`, '.']);
    const command = 'CMD ["/bin/sh", "/counter.sh"]';
    await docker().run(['import', '--change', command, `${rootfs}.tar`, IMAGE]);
    failed = false;
  });
  test.afterEach.always('remember failures', (t) => {
    failed ||= !t.passed;
  });
  test.after.always('stop it', async () => {
    if (!world) return;
    if (failed) process.stderr.write(`kept for a look: ${world.containerd.directory}\n`);
    await world.docker.stop();
    await world.containerd.stop({ keep: failed });
    await rm(world.directory, { recursive: true });
  });
}

async function begin(
  t: ExecutionContext,
  name: string,
  { network = 'none', args = [] }: { network?: string; args?: readonly string[] } = {},
): Promise<void> {
  t.teardown(async () => {
    await docker().tryRun(['rm', '-f', name]);
  });
  const flags = ['--network', network, '--runtime', 'io.containerd.mvas.v1'];
  await docker().run(['run', '-d', '--name', name, ...flags, IMAGE, ...args]);
}

async function countOf(name: string): Promise<Count> {
  return await counting(() => docker().run(['exec', name, ...TELL_COUNT]));
}

async function assertMapped(t: ExecutionContext, name: string): Promise<void> {
  const pid = (await docker().run(['inspect', '--format', '{{.State.Pid}}', name])).trim();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  t.regex(status, new RegExp(`^Uid:(\\s+${String(FIRST)}){4}$`, 'm'));
}

serial(`a container lives, is executed in, and ends${why}`, async (t) => {
  const script = 'trap "exit 3" TERM; sleep 100 & wait';
  await begin(t, 'life', { args: ['/bin/sh', '-c', script] });
  await assertMapped(t, 'life');
  t.is(await docker().run(['exec', 'life', 'id', '-u']), '0\n');
  await docker().run(['stop', '-t', '60', 'life']);
  const format = '{{.State.Status}} {{.State.ExitCode}}';
  t.is((await docker().run(['inspect', '--format', format, 'life'])).trim(), 'exited 3');
});

serial(`a checkpoint leaves its container running, and another begins from it${why}`, async (t) => {
  // Docker 28 cannot start a container from a checkpoint that has a network namespace of its own, whatever the runtime.
  await begin(t, 'owner');
  await begin(t, 'leave', { network: 'container:owner' });
  const before = await countOf('leave');
  await docker().run(['checkpoint', 'create', '--leave-running', 'leave', 'one']);
  t.is((await countOf('leave')).birth, before.birth);
  await docker().run(['kill', 'leave']);
  await until('the checkpoint to be collected', async () => {
    await world?.containerd.collect();
    await docker().run(['start', '--checkpoint', 'one', 'leave']);
    return true;
  });
  const restored = await countOf('leave');
  t.is(restored.birth, before.birth);
  t.true(restored.count >= before.count);
  await assertMapped(t, 'leave');
});

serial(`leaves no shim or VAS behind${why}`, async (t) => {
  assertInvariant(world !== undefined, 'the daemon is started before the tests');
  const { containerd } = world;
  for (const id of await vasesOf(containerd)) await removeVas(containerd, id);
  await t.notThrowsAsync(
    until('all shims to end', async () => (await findByArgument(containerd.address)).length === 0),
  );
});
