// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { assertInvariant } from '../../src/common/errors.js';
import { PrivateContainerd } from '../helpers/containerd.js';
import { cgroupsOf, mountsBelow, removeVas, vasesOf } from '../helpers/containerd-cleanup.js';
import { taskOf } from '../helpers/containers.js';
import { CriClient, type Pod, type PodKind } from '../helpers/cri-client.js';
import { imageArchive } from '../helpers/images/archive.js';
import { RootFilesystem } from '../helpers/images/rootfs.js';
import { LocalRegistry } from '../helpers/local-registry.js';
import { BIN, REPOSITORY } from '../helpers/paths.js';
import { findByArgument, processTree } from '../helpers/procfs.js';
import { leftAtLast, run, tryRun, until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';

const test: TestFn = anyTest;
const PAUSE = 'mvas.test/pause:1';
/** What a pause image does: nothing, until it is told to end. */
const PAUSE_SCRIPT = "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done";

/** The pods' cgroup: CRI's namespace, so that it is looked after like that of any test. */
const CGROUP = '/k8s.io';

interface Surroundings {
  readonly containerd: PrivateContainerd;
  readonly registry: LocalRegistry;
  readonly cri: CriClient;
  /** Of the registry, and of what is put into containerd's PATH. */
  readonly directory: string;
}

let surroundings: Surroundings | undefined;

/** What the tests of this file run in. Precondition: {@link useCri} was called. */
export function world(): Surroundings {
  assertInvariant(surroundings !== undefined, 'useCri comes before the tests of a file');
  return surroundings;
}

/** The counter's image, by the name it is pulled by. */
export function image(): string {
  return world().registry.nameOf(COUNTER.image);
}

/**
 * Starts a containerd with CRI before the tests of a file. Its runtime handlers are `mvas`, by the name of
 * this shim, and `dropin`, by that of containerd's own, which is this shim as well.
 */
export function useCri(): void {
  let failed = true; // until all has started
  test.serial.before('start a containerd with CRI', async (t) => {
    t.timeout(600_000);
    surroundings = await start();
    await surroundings.cri.pull(image());
    failed = false;
  });
  test.afterEach.always('remember failures', (t) => {
    failed ||= !t.passed;
  });
  test.after.always('stop it', async () => {
    if (!surroundings) return;
    const { cri, containerd, registry, directory } = surroundings;
    cri.close();
    if (failed) process.stderr.write(`kept for a look: ${containerd.directory}\n`);
    await containerd.stop({ keep: failed });
    await registry.close();
    await rm(directory, { recursive: true });
  });
}

async function start(): Promise<Surroundings> {
  const directory = await mkdtemp('/var/tmp/mvas-cri-');
  const path = join(directory, 'bin');
  const archives = await Promise.all([pauseArchive(), COUNTER.archive()]);
  const registry = await LocalRegistry.start(directory, archives);
  await mkdir(path);
  await symlink(join(BIN, 'containerd-shim-mvas-v1'), join(path, 'containerd-shim-runc-v2'));
  const networks = await addNetworks(directory);
  const cri = configuration(registry.nameOf(PAUSE), networks);
  const containerd = await PrivateContainerd.start({ path: [path, await criuDirectory()], cri });
  return { containerd, registry, cri: new CriClient(containerd.address), directory };
}

/** What pods with a network namespace of their own are connected by: CNI's configuration, beside its plugins. */
async function addNetworks(directory: string): Promise<string> {
  const folder = join(directory, 'networks');
  await mkdir(folder);
  const list = { cniVersion: '1.0.0', name: 'tests', plugins: [{ type: 'veth' }] };
  await writeFile(join(folder, 'tests.conflist'), JSON.stringify(list));
  for (const plugin of ['loopback', 'veth']) {
    await symlink(join(REPOSITORY, 'test/helpers/cni.sh'), join(folder, plugin));
  }
  return folder;
}

function configuration(pause: string, networks: string): string {
  return `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  stream_server_port = "0"
  enable_tls_streaming = false
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${networks}"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "mvas"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mvas]
      runtime_type = "io.containerd.mvas.v1"
      pod_annotations = ["mvas.*"]
      container_annotations = ["mvas.*"]
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.dropin]
      runtime_type = "io.containerd.runc.v2"
`;
}

async function pauseArchive(): Promise<string> {
  const rootfs = new RootFilesystem();
  await rootfs.binary('/usr/bin/busybox', 'usr/bin/busybox');
  for (const applet of ['sh', 'sleep']) rootfs.symlink(`usr/bin/${applet}`, 'busybox');
  return await imageArchive(PAUSE, rootfs, { args: ['/bin/sh', '-c', PAUSE_SCRIPT] });
}

/** Where `criu` is, which containerd 2 looks for before a checkpoint, whatever the runtime. */
async function criuDirectory(): Promise<string> {
  const script = join(REPOSITORY, 'scripts', 'fetch-criu.sh');
  return (await run('bash', [script], { timeoutMs: 300_000 })).trim();
}

/**
 * A pod that is removed with its containers when the test ends. Its pause has made its only child: later it would take an id
 * that a container may need.
 */
export async function pod(
  t: ExecutionContext,
  name: string,
  runtime: string,
  kind: PodKind = {},
): Promise<Pod> {
  const { cri, containerd } = world();
  const logs = join(containerd.directory, 'logs', name);
  const made = await cri.runPod(name, { runtime, logs, cgroup: CGROUP, kind });
  t.teardown(async () => {
    await cri.removePod(made);
  });
  const { pid } = await taskOf(containerd, made.id);
  await until('pause to wait', async () => (await processTree(pid)).length > 1);
  return made;
}

/** The last test of a file: all pods gone, the host is as before. */
export function leavesNothingBehind(): void {
  test.serial('leaves no shim, mount, cgroup or VAS behind', async (t) => {
    const { containerd } = world();
    for (const id of await vasesOf(containerd)) await removeVas(containerd, id);
    await t.notThrowsAsync(
      until(
        'all shims to end',
        async () => (await findByArgument(containerd.address)).length === 0,
      ),
    );
    // containerd tidies up after a shim that has ended.
    const left = await leftAtLast(async () => {
      const children = await Promise.all((await cgroupsOf(containerd.namespace)).map(childrenOf));
      const mounts = await mountsBelow(join(containerd.directory, 'state'));
      const { stdout } = await tryRun('ls', [`/run/containerd/runc/${containerd.namespace}`]);
      return [...children.flat(), ...mounts, ...stdout.split('\n').filter(Boolean)];
    });
    t.deepEqual(left, []);
  });
}

async function childrenOf(cgroup: string): Promise<string[]> {
  const { stdout } = await tryRun('find', [cgroup, '-mindepth', '1', '-type', 'd']);
  return stdout.split('\n').filter((line) => line !== '');
}
