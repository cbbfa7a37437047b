// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import { REPOSITORY } from '../test/helpers/paths.js';
import { privateBytes } from '../test/helpers/procfs.js';
import { run } from '../test/helpers/run.js';
import type { Measurement } from './figures.js';
import { fill, timeFirstReply, verify, type Restored } from './redis-work.js';
import { RuncContainers } from './runc-containers.js';
import { standstillDuring } from './standstill.js';
import { readFrozenMsOf } from './stats.js';

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

/** Directory to put into PATH for CRIU; undefined if there is none, which `say` is told. */
export async function findCriuIfAny(say: (message: string) => void): Promise<string | undefined> {
  try {
    return (await findCriu()).directory;
  } catch (error) {
    say(`no comparison with runc and CRIU: ${ShimError.from(error).message}`);
    return undefined;
  }
}

/**
 * The same work by `runc checkpoint` and `runc restore` with only CRIU, images in tmpfs: no
 * containerd in between, no copy into a content store, which is the best that CRIU can do.
 */
export class CriuSide {
  readonly #containers: RuncContainers;

  private constructor(containers: RuncContainers) {
    this.#containers = containers;
  }

  /** Prepares a root filesystem; the caller closes. */
  static async open(criuDirectory: string): Promise<CriuSide> {
    return new CriuSide(await RuncContainers.open(criuDirectory));
  }

  /** One run of the whole work with `mib` MiB of values. */
  async measure(mib: number): Promise<Measurement> {
    const { directory } = this.#containers;
    const id = await this.#containers.bundle('redis');
    const pid = await this.#containers.start(id);
    const { keys, residentBytes } = await fill(pid, mib);
    const image = join(directory, `${id}-image`);
    const work = join(directory, `${id}-work`);
    await mkdir(image);
    await mkdir(work);

    const started = performance.now();
    const { standstillMs, value: checkpointMs } = await standstillDuring(pid, async () => {
      const paths = ['--image-path', image, '--work-path', work];
      await this.#containers.runc(['checkpoint', '--leave-running', ...paths, id]);
      return performance.now() - started;
    });
    await this.#containers.remove(id);

    const first = await this.#restore(image);
    const second = await this.#restore(image);
    const clonePrivateBytes = await privateBytes(second.pid);
    const keysAfter = [await verify(first, keys), await verify(second, keys)] as const;
    const frozenMs =
      (await readFrozenMsOf(join(work, 'stats-dump'))) ??
      (await readFrozenMsOf(join(image, 'stats-dump')));
    const imageBytes = await sizeOf(image);
    for (const clone of [first, second]) await this.#containers.remove(clone.id);
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
    await this.#containers.close();
  }

  async #restore(image: string): Promise<Restored> {
    const id = await this.#containers.bundle('clone');
    const work = join(this.#containers.directory, `${id}-work`);
    await mkdir(work);
    const flags = ['--image-path', image, '--work-path', work, ...this.#containers.bundleFlags(id)];
    return await timeFirstReply(id, async () => {
      await this.#containers.runc(['restore', '--detach', ...flags, id]);
      return await this.#containers.pid(id);
    });
  }
}

/** Size of the files in a directory, in bytes. */
export async function sizeOf(directory: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(directory)) sum += (await stat(join(directory, name))).size;
  return sum;
}
