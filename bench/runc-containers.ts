// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import { removeTraces } from '../test/helpers/containerd-cleanup.js';
import { extractImage } from '../test/helpers/images/extract.js';
import { run, tryRun, until } from '../test/helpers/run.js';
import { REDIS_COMMAND, redisArchive } from '../test/helpers/workloads/redis.js';
import { temporaryInMemory } from './temporary.js';

/** What containers have, besides redis. */
interface Surroundings {
  readonly programs?: readonly string[];
  readonly archive?: string;
  readonly capabilities?: readonly string[];
}

/** Containers of redis that runc runs by itself, without containerd; all of their files are in memory. */
export class RuncContainers {
  readonly directory: string;
  /** State of runc. */
  readonly root: string;
  readonly #namespace = `mvas-criu-${randomBytes(4).toString('hex')}`;
  readonly #env: NodeJS.ProcessEnv;
  readonly #capabilities: readonly string[];

  private constructor(
    directory: string,
    criuDirectory: string | undefined,
    capabilities: readonly string[],
  ) {
    this.directory = directory;
    this.#capabilities = capabilities;
    this.root = join(directory, 'runc');
    const path = [criuDirectory, process.env['PATH']].filter((part) => part !== undefined);
    this.#env = { ...process.env, PATH: path.join(':') };
  }

  /**
   * Prepares a root filesystem; the caller closes.
   *
   * @param criuDirectory where `criu` is; needed only for checkpoints by runc
   * @param programs copied to its root
   * @param archive of the image; default: that of redis
   * @param capabilities beyond those that runc's own spec has
   */
  static async open(
    criuDirectory: string | undefined,
    { programs = [], archive, capabilities = [] }: Surroundings = {},
  ): Promise<RuncContainers> {
    const directory = await temporaryInMemory();
    const containers = new RuncContainers(directory, criuDirectory, capabilities);
    const rootfs = join(containers.directory, 'rootfs');
    await mkdir(rootfs);
    await extractImage(archive ?? (await redisArchive()), rootfs);
    for (const program of programs) await copyFile(program, join(rootfs, basename(program)));
    return containers;
  }

  /** Makes a bundle of a new container on the common root filesystem; resolves with its id. */
  async bundle(name: string, args: readonly string[] = REDIS_COMMAND): Promise<string> {
    const id = `${name}-${randomBytes(4).toString('hex')}`;
    const bundle = join(this.directory, id);
    await mkdir(bundle);
    await run('runc', ['spec', '--bundle', bundle]);
    const path = join(bundle, 'config.json');
    const spec = JSON.parse(await readFile(path, 'utf8')) as Spec;
    spec.process.terminal = false;
    spec.process.args = [...args];
    for (const set of Object.values(spec.process.capabilities)) set.push(...this.#capabilities);
    spec.root = { path: join(this.directory, 'rootfs'), readonly: false };
    spec.mounts = spec.mounts.filter((mount) => mount.type !== 'cgroup');
    spec.linux.cgroupsPath = `/${this.#namespace}/${id}`;
    await writeFile(path, JSON.stringify(spec));
    return id;
  }

  /** Where the bundle of a container is, for `runc run` and `runc restore`. */
  bundleFlags(id: string): string[] {
    const bundle = join(this.directory, id);
    return ['--bundle', bundle, '--pid-file', join(bundle, 'pid')];
  }

  /** Starts a container that has a bundle; resolves with the pid of its init. */
  async start(id: string): Promise<number> {
    await this.runc(['run', '--detach', ...this.bundleFlags(id), id]);
    return await this.pid(id);
  }

  /** The pid of the init of a container. */
  async pid(id: string): Promise<number> {
    const file = join(this.directory, id, 'pid');
    return await until(`pid file of ${id}`, async () => Number(await readFile(file, 'utf8')));
  }

  /** Kills and removes a container. */
  async remove(id: string): Promise<void> {
    await this.runc(['delete', '--force', id]);
  }

  /** Calls runc; what it says about a failure is in its log, since the containers have its output. */
  async runc(args: readonly string[]): Promise<void> {
    const log = join(this.directory, 'runc.log');
    const all = ['--root', this.root, '--log', log, ...args];
    const { code } = await tryRun('runc', all, { env: this.#env, discardOutput: true });
    if (code === 0) return;
    const said = (await readFile(log, 'utf8')).trim().split('\n').at(-1) ?? '';
    throw new ShimError('unknown', `runc ${args.join(' ')}: exit ${String(code)}: ${said}`);
  }

  /** Ends everything and removes every trace. */
  async close(): Promise<void> {
    for (const id of await readdir(this.root).catch(() => [])) {
      await tryRun('runc', ['--root', this.root, 'delete', '--force', id]);
    }
    const { directory, root: address } = this;
    await removeTraces({ directory, address, namespace: this.#namespace }, false);
  }
}

interface Spec {
  process: { terminal: boolean; args: string[]; capabilities: Record<string, string[]> };
  root: { path: string; readonly: boolean };
  mounts: { type: string }[];
  linux: { cgroupsPath: string };
}
