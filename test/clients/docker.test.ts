// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertInvariant } from '../../src/common/errors.js';
import { PrivateContainerd } from '../helpers/containerd.js';
import { cgroupsOf, removeVas, vasesOf } from '../helpers/containerd-cleanup.js';
import { PrivateDocker } from '../helpers/docker.js';
import { extractImage } from '../helpers/images/extract.js';
import { BIN, REPOSITORY } from '../helpers/paths.js';
import { findByArgument } from '../helpers/procfs.js';
import { leftAtLast, run, until } from '../helpers/run.js';
import { COUNTER, TELL_COUNT, counting, type Count } from '../helpers/workloads/counter.js';

const IMAGE = 'counter:1';
const HAS_DOCKER = existsSync('/usr/sbin/dockerd');
const serial = HAS_DOCKER ? test.serial : test.serial.skip;
const why = HAS_DOCKER ? '' : ' (there is no dockerd in this release)';

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

if (HAS_DOCKER) {
  test.serial.before('start Docker on a containerd of our own', async (t) => {
    t.timeout(600_000);
    const directory = await mkdtemp('/var/tmp/mvas-docker-');
    const path = join(directory, 'bin');
    await mkdir(path);
    await symlink(join(BIN, 'containerd-shim-mvas-v1'), join(path, 'containerd-shim-runc-v2'));
    const script = join(REPOSITORY, 'scripts', 'fetch-criu.sh');
    const criu = (await run('bash', [script], { timeoutMs: 300_000 })).trim();
    const containerd = await PrivateContainerd.start({ path: [path, criu] });
    world = { containerd, docker: await PrivateDocker.start(containerd), directory };
    await importImage(join(directory, 'rootfs'));
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

async function importImage(rootfs: string): Promise<void> {
  await mkdir(rootfs);
  await extractImage(await COUNTER.archive(), rootfs);
  await run('tar', ['-c', '-C', rootfs, '-f', `${rootfs}.tar`, '.']);
  await docker().run([
    'import',
    '--change',
    'CMD ["/bin/sh", "/counter.sh"]',
    `${rootfs}.tar`,
    IMAGE,
  ]);
}

/** Runs a container that is removed when the test ends. */
async function begin(
  t: ExecutionContext,
  name: string,
  args: readonly string[],
  network = 'host',
): Promise<void> {
  t.teardown(async () => {
    await docker().tryRun(['rm', '-f', name]);
  });
  await docker().run(['run', '-d', '--name', name, '--network', network, ...args]);
}

async function stateOf(name: string): Promise<string> {
  const format = '{{.State.Status}} {{.State.ExitCode}}';
  return (await docker().run(['inspect', '--format', format, name])).trim();
}

/** What only the memory of the counter's shell has. */
async function countOf(name: string): Promise<Count> {
  return await counting(() => docker().run(['exec', name, ...TELL_COUNT]));
}

/**
 * Starts a container from its checkpoint. Docker uploads it into containerd, and fails ("already exists") as
 * long as containerd has not collected what Docker downloaded a moment ago, whatever the runtime.
 */
async function startFrom(checkpoint: string, name: string): Promise<void> {
  await until('the checkpoint to be collected', async () => {
    await world?.containerd.collect();
    await docker().run(['start', '--checkpoint', checkpoint, name]);
    return true;
  });
}

const RUNTIMES = { mvas: 'io.containerd.mvas.v1', dropin: 'runc' };

const life = test.macro(async (t: ExecutionContext, kind: keyof typeof RUNTIMES) => {
  const name = `life-${kind}`;
  // The handler first: whoever hears of it may end it.
  const script = 'trap "exit 3" TERM; echo hello; echo trouble >&2; sleep 100 & wait';
  await begin(t, name, ['--runtime', RUNTIMES[kind], IMAGE, '/bin/sh', '-c', script]);
  t.is(await stateOf(name), 'running 0');
  t.like(await docker().tryRun(['exec', name, 'sh', '-c', 'echo $((6 * 7)); exit 5']), {
    code: 5,
    stdout: '42\n',
  });
  await until('the log', async () => {
    const { stdout, stderr } = await docker().tryRun(['logs', name]);
    return stdout === 'hello\n' && stderr === 'trouble\n';
  });
  await docker().run(['stop', '-t', '60', name]);
  t.is(await stateOf(name), 'exited 3');
  await docker().run(['rm', name]);
});
serial(`a container lives, by the name of this shim${why}`, life, 'mvas');
serial(`a container lives, by the name of containerd’s shim${why}`, life, 'dropin');

const leaveRunning = test.macro(async (t: ExecutionContext, kind: keyof typeof RUNTIMES) => {
  const name = `leave-${kind}`;
  await begin(t, name, ['--runtime', RUNTIMES[kind], IMAGE]);
  const before = await countOf(name);
  await docker().run(['checkpoint', 'create', '--leave-running', name, 'one']);
  t.is((await countOf(name)).birth, before.birth);
  t.is(await stateOf(name), 'running 0');
  await docker().run(['kill', name]);
  await startFrom('one', name);
  const restored = await countOf(name);
  t.is(restored.birth, before.birth);
  t.true(restored.count >= before.count);
  await docker().run(['stop', '-t', '60', name]);
  t.is(await stateOf(name), 'exited 0');
});
serial(`a checkpoint leaves its container running, by our name${why}`, leaveRunning, 'mvas');
serial(`the same by the name of containerd’s shim${why}`, leaveRunning, 'dropin');

const exiting = test.macro(async (t: ExecutionContext, name: string, args: readonly string[]) => {
  await begin(t, name, [...args, IMAGE]);
  const before = await countOf(name);
  await docker().run(['checkpoint', 'create', name, 'one']);
  await until('the container to end', async () => (await stateOf(name)) === 'exited 137');
  await startFrom('one', name);
  t.is((await countOf(name)).birth, before.birth);
});
serial(
  `a checkpoint ends its container, by the name of containerd’s shim${why}`,
  exiting,
  'ends',
  [],
);
const byName = ['--runtime', RUNTIMES.mvas, '--annotation', 'mvas.checkpoint.exit=true'];
serial(
  `a checkpoint ends its container, by our name and an annotation${why}`,
  exiting,
  'asks',
  byName,
);

serial(`a server by docker exec -d goes on in what is restored${why}`, async (t) => {
  const name = 'served';
  const init = 'trap "exit 0" TERM; while :; do sleep 1; done';
  await begin(t, name, ['--runtime', RUNTIMES.mvas, IMAGE, '/bin/sh', '-c', init]);
  await docker().run(['exec', '-d', name, '/bin/sh', '/counter.sh']);
  const before = await countOf(name);
  await docker().run(['checkpoint', 'create', '--leave-running', name, 'one']);
  t.is((await countOf(name)).birth, before.birth);
  await docker().run(['kill', name]);
  await startFrom('one', name);
  const restored = await countOf(name);
  t.is(restored.birth, before.birth);
  t.true(restored.count >= before.count);
  await docker().run(['stop', '-t', '60', name]);
  t.is(await stateOf(name), 'exited 0');
});

serial(
  `a restore that Docker cannot give a network is given up, and leaves nothing${why}`,
  async (t) => {
    const name = 'alone';
    await begin(t, name, ['--runtime', RUNTIMES.mvas, IMAGE], 'none');
    await docker().run(['checkpoint', 'create', '--leave-running', name, 'one']);
    await docker().run(['kill', name]);
    await until('another failure than that the checkpoint is still there', async () => {
      await world?.containerd.collect();
      const { code, stderr } = await docker().tryRun(['start', '--checkpoint', 'one', name]);
      t.not(code, 0);
      t.log(stderr.trim());
      return !stderr.includes('already exists');
    });
    await docker().run(['start', name]);
    t.is(await stateOf(name), 'running 0');
  },
);

serial(`leaves no shim, cgroup or VAS behind${why}`, async (t) => {
  assertInvariant(world !== undefined, 'the daemon is started before the tests');
  const { containerd } = world;
  for (const id of await vasesOf(containerd)) await removeVas(containerd, id);
  await t.notThrowsAsync(
    until('all shims to end', async () => (await findByArgument(containerd.address)).length === 0),
  );
  const left = await leftAtLast(async () => {
    const all = await cgroupsOf(containerd.namespace);
    const below = all.map((one) => run('find', [one, '-mindepth', '1', '-type', 'd']));
    return (await Promise.all(below)).join('').split('\n').filter(Boolean);
  });
  t.deepEqual(left, []);
});
