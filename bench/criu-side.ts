// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTraces } from '../test/helpers/containerd-cleanup.js';
import { extractImage } from '../test/helpers/images/extract.js';
import { REPOSITORY } from '../test/helpers/paths.js';
import { privateBytes } from '../test/helpers/procfs.js';
import { run, tryRun, until } from '../test/helpers/run.js';
import { REDIS_COMMAND, redisArchive } from '../test/helpers/workloads/redis.js';
import type { Measurement } from './figures.js';
import { fill, timeFirstReply, verify, type Restored } from './redis-work.js';
import { standstillDuring } from './standstill.js';
import { readFrozenMsOf } from './stats.js';
import { temporaryInMemory } from './temporary.js';

/** Directory to put into PATH for CRIU, and its version; rejects with the reason if there is none. */
export async function findCriu(): Promise<{
  readonly directory: string;
  readonly version: string;
}> {
  const script = join(REPOSITORY, 'scripts/fetch-criu.sh');
  const directory = (await run('bash', [script], { timeoutMs: 300_000 })).trim();
  const version = await run(join(directory, 'criu'), ['--version']);
  return { directory, version: /Version:\s*(\S+)/.exec(version)?.[1] ?? version.trim() };
}

/**
 * The same work by `runc checkpoint` and `runc restore` with CRIU alone, images in tmpfs: no
 * containerd in between, no copy into a content store, which is the best that CRIU can do.
 */
export class CriuSide {
  readonly #directory: string;
  readonly #namespace = `mvas-criu-${randomBytes(4).toString('hex')}`;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(directory: string, criuDirectory: string) {
    this.#directory = directory;
    this.#env = { ...process.env, PATH: `${criuDirectory}:${process.env['PATH'] ?? ''}` };
  }

  /** Prepares a root filesystem; the caller closes. */
  static async open(criuDirectory: string): Promise<CriuSide> {
    const side = new CriuSide(await temporaryInMemory(), criuDirectory);
    const rootfs = join(side.#directory, 'rootfs');
    await mkdir(rootfs);
    await extractImage(await redisArchive(), rootfs);
    return side;
  }

  /** One run of the whole work with `mib` MiB of values. */
  async measure(mib: number): Promise<Measurement> {
    const id = await this.#bundle('redis');
    await this.#runc(['run', '--detach', ...this.#bundleFlags(id), id]);
    const pid = await this.#pid(id);
    const { keys, residentBytes } = await fill(pid, mib);
    const image = join(this.#directory, `${id}-image`);
    const work = join(this.#directory, `${id}-work`);
    await mkdir(image);
    await mkdir(work);

    const started = performance.now();
    const { standstillMs, value: checkpointMs } = await standstillDuring(pid, async () => {
      const paths = ['--image-path', image, '--work-path', work];
      await this.#runc(['checkpoint', '--leave-running', ...paths, id]);
      return performance.now() - started;
    });
    await this.#runc(['delete', '--force', id]);

    const first = await this.#restore(image);
    const second = await this.#restore(image);
    const clonePrivateBytes = await privateBytes(second.pid);
    const keysAfter = [await verify(first, keys), await verify(second, keys)] as const;
    const frozenMs =
      (await readFrozenMsOf(join(work, 'stats-dump'))) ??
      (await readFrozenMsOf(join(image, 'stats-dump')));
    const imageBytes = await sizeOf(image);
    for (const clone of [first, second]) await this.#runc(['delete', '--force', clone.id]);
    await rm(image, { recursive: true });
    return {
      figures: {
        frozenMs,
        checkpointMs,
        restoreToFirstReplyMs: first.firstReplyMs,
        secondRestoreToFirstReplyMs: second.firstReplyMs,
        imageBytes,
        clonePrivateBytes,
      },
      residentBytes,
      keysBefore: keys,
      keysAfter,
      standstillMs,
    };
  }

  /** Ends everything and removes every trace. */
  async close(): Promise<void> {
    const root = join(this.#directory, 'runc');
    for (const id of await readdir(root).catch(() => [])) {
      await tryRun('runc', ['--root', root, 'delete', '--force', id]);
    }
    await removeTraces(
      { directory: this.#directory, address: root, namespace: this.#namespace },
      false,
    );
  }

  async #restore(image: string): Promise<Restored> {
    const id = await this.#bundle('clone');
    const work = join(this.#directory, `${id}-work`);
    await mkdir(work);
    const flags = ['--image-path', image, '--work-path', work, ...this.#bundleFlags(id)];
    return await timeFirstReply(id, async () => {
      await this.#runc(['restore', '--detach', ...flags, id]);
      return await this.#pid(id);
    });
  }

  /** Makes a bundle of a new container on the common root filesystem; resolves with its id. */
  async #bundle(name: string): Promise<string> {
    const id = `${name}-${randomBytes(4).toString('hex')}`;
    const bundle = join(this.#directory, id);
    await mkdir(bundle);
    await run('runc', ['spec', '--bundle', bundle]);
    const path = join(bundle, 'config.json');
    const spec = JSON.parse(await readFile(path, 'utf8')) as Spec;
    spec.process.terminal = false;
    spec.process.args = [...REDIS_COMMAND];
    spec.root = { path: join(this.#directory, 'rootfs'), readonly: false };
    spec.mounts = spec.mounts.filter((mount) => mount.type !== 'cgroup');
    spec.linux.cgroupsPath = `/${this.#namespace}/${id}`;
    await writeFile(path, JSON.stringify(spec));
    return id;
  }

  #bundleFlags(id: string): string[] {
    const bundle = join(this.#directory, id);
    return ['--bundle', bundle, '--pid-file', join(bundle, 'pid')];
  }

  async #pid(id: string): Promise<number> {
    const file = join(this.#directory, id, 'pid');
    return await until(`pid file of ${id}`, async () => Number(await readFile(file, 'utf8')));
  }

  async #runc(args: readonly string[]): Promise<void> {
    const log = join(this.#directory, 'runc.log');
    const all = ['--root', join(this.#directory, 'runc'), '--log', log, ...args];
    await run('runc', all, { env: this.#env, discardOutput: true });
  }
}

interface Spec {
  process: { terminal: boolean; args: string[] };
  root: { path: string; readonly: boolean };
  mounts: { type: string }[];
  linux: { cgroupsPath: string };
}

async function sizeOf(directory: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(directory)) sum += (await stat(join(directory, name))).size;
  return sum;
}
