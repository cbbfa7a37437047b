// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RootFilesystem } from '../../helpers/images/rootfs.js';
import { netnsTool } from '../../helpers/netns-connection.js';
import { cacheDirectory, REPOSITORY } from '../../helpers/paths.js';
import { run } from '../../helpers/run.js';
import { redisArchive } from '../../helpers/workloads/redis.js';
import { GUEST_IMAGE } from './inside/places.js';

/** Programs of this machine that the guest has at the same places, with their libraries. */
const PROGRAMS = ['node', 'bash', 'containerd', 'ctr', 'runc', 'busybox'];

/** The built parts of the project that the guest gets. */
const PROJECT = ['bin', 'dist/src', 'dist/test', 'dist/bundle', 'test/targets'];
const FILES = [
  'package.json',
  'native/build/mvas.node',
  'native/build/mvas-holder',
  'native/build/mvas-await',
  'scripts/bundle.sh',
  'test/helpers/containerd-api.proto',
  'test/helpers/netns-tcp.c',
];

/** Modules of the distribution's kernel; init.sh loads them by name, in this order. */
const MODULES = ['overlay', 'inet_diag', 'tcp_diag', 'unix_diag'];

/** Which kernel a guest runs. */
export interface GuestKernel {
  /** What scripts/fetch-kernel.sh made. */
  readonly directory: string;
  /** The project's module, built for it. */
  readonly module: string;
}

/** The root filesystem of a guest in which containers run and are checkpointed. */
export async function guestRoot(kernel: GuestKernel): Promise<RootFilesystem> {
  const root = new RootFilesystem();
  for (const name of ['mnt', 'modules', 'var/tmp']) root.directory(name);
  for (const name of PROGRAMS) {
    await root.binary((await run('bash', ['-c', `type -P ${name}`])).trim());
  }
  root.symlink('usr/bin/sh', 'busybox');
  await root.copy((await run('bash', ['-c', 'type -P ldd'])).trim(), 'usr/bin/ldd');
  root.content('project', `${REPOSITORY}\n`);
  await root.copy(join(REPOSITORY, 'test/kernel/containers/inside/init.sh'), 'init');
  await addProject(root);
  await addModules(root, kernel);
  await root.copy(await redisArchive(), GUEST_IMAGE.slice(1));
  const tool = await netnsTool();
  await root.copy(tool, join(cacheDirectory('tools'), basename(tool)).slice(1));
  return root;
}

async function addProject(root: RootFilesystem): Promise<void> {
  await run('make', ['-s', '-C', join(REPOSITORY, 'test/targets')], { timeoutMs: 300_000 });
  for (const name of PROJECT) await root.tree(join(REPOSITORY, name));
  for (const name of FILES)
    await root.copy(join(REPOSITORY, name), join(REPOSITORY, name).slice(1));
  for (const name of dependencies()) await root.tree(join(REPOSITORY, name));
}

/** The npm packages that are needed to run, by their directories. */
function dependencies(): string[] {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => path);
}

async function addModules(root: RootFilesystem, { directory, module }: GuestKernel): Promise<void> {
  await root.copy(module, 'modules/mvas.ko');
  root.content('modules/order', `${MODULES.join('\n')}\n`);
  for (const name of MODULES) {
    const found = await run('find', ['-L', join(directory, 'modules'), '-name', `${name}.ko*`]);
    const path = found.trim();
    if (path === '') continue; // built in
    await root.copy(path, join('modules', basename(path)));
  }
}
