// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { ShimError } from '../src/common/errors.js';
import { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeVas, vasesOf } from '../test/helpers/containerd-cleanup.js';
import {
  checkpointIn,
  createContainer,
  removeContainer,
  removeImage,
  runContainer,
} from '../test/helpers/containers.js';
import { findByArgument, privateBytes } from '../test/helpers/procfs.js';
import { TasksClient, type ContentDescriptor } from '../test/helpers/tasks-client.js';
import { redisArchive } from '../test/helpers/workloads/redis.js';
import { DaemonWatch } from './daemon-watch.js';
import type { Measurement } from './figures.js';
import { fill, timeFirstReply, verify, type Restored } from './redis-work.js';
import { standstillDuring } from './standstill.js';
import { readFrozenMs } from './stats.js';
import { measureVerbs, type VerbFigures } from './verbs-work.js';
import { temporaryInMemory } from './temporary.js';
import { STANDBY_STAYS, standbyIsWarm } from './warm-standby.js';

const IMAGE = 'mvas.test/redis:1';
const REFERENCE = 'mvas.test/bench:1';

/** Reports what is being done; the caller decides where that goes. */
export type Progress = (message: string) => void;

/**
 * Runs Redis in a container of a containerd runtime, fills it, checkpoints it with `ctr` leaving it
 * running, kills it, and restores it twice side by side from that one checkpoint through the tasks
 * API. containerd keeps its checkpoints in memory (tmpfs) on their way to the content store.
 */
export class ContainerdSide {
  readonly #containerd: PrivateContainerd;
  readonly #tasks: TasksClient;
  readonly #runtime: string;
  readonly #temporary: string;
  readonly #progress: Progress;

  private constructor(
    containerd: PrivateContainerd,
    tasks: TasksClient,
    options: { runtime: string; temporary: string; progress: Progress },
  ) {
    this.#containerd = containerd;
    this.#tasks = tasks;
    this.#runtime = options.runtime;
    this.#temporary = options.temporary;
    this.#progress = options.progress;
  }

  /** Starts a containerd for measurements; the caller closes it. `path`: where `criu` is, if it is needed. */
  static async open(
    runtime: string,
    progress: Progress,
    path: readonly string[] = [],
  ): Promise<ContainerdSide> {
    const temporary = await temporaryInMemory();
    const containerd = await PrivateContainerd.start({ temporary, path, env: STANDBY_STAYS });
    await containerd.importImages(await redisArchive());
    const tasks = await TasksClient.open(containerd);
    const side = new ContainerdSide(containerd, tasks, { runtime, temporary, progress });
    await side.#settle();
    return side;
  }

  /** Runs one container to its end, as a node has run many: what starts late has then started. */
  async #settle(): Promise<void> {
    const id = this.#containerd.uniqueId('first');
    await runContainer(this.#containerd, { id, image: IMAGE, runtime: this.#runtime });
    await removeContainer(this.#containerd, id);
    await standbyIsWarm();
  }

  /** One run of the whole work with `mib` MiB of values. */
  async measure(mib: number): Promise<Measurement> {
    const id = this.#containerd.uniqueId('redis');
    const pid = await runContainer(this.#containerd, { id, image: IMAGE, runtime: this.#runtime });
    const watch = new DaemonWatch(await this.#shimOf(id));
    await watch.started();
    this.#progress(`filling redis with ${String(mib)} MiB`);
    const { keys, residentBytes } = await fill(pid, mib);
    await watch.before();
    const started = performance.now();
    const { standstillMs, value: checkpointMs } = await standstillDuring(pid, async () => {
      await this.#checkpoint(id);
      return performance.now() - started;
    });
    await watch.afterCheckpoint();
    this.#progress(`checkpointed in ${checkpointMs.toFixed(0)} ms; killing the original`);
    const content = await this.#content();
    await removeContainer(this.#containerd, id);

    const first = await this.#restore(content);
    this.#progress(`restored; first reply after ${first.firstReplyMs.toFixed(0)} ms`);
    const second = await this.#restore(content);
    this.#progress(
      `restored again beside it; first reply after ${second.firstReplyMs.toFixed(0)} ms`,
    );
    const vases = await vasesOf(this.#containerd);
    if (vases.length > 0) this.#progress(`both come from VAS ${vases.join(', ')}`);
    const clonePrivateBytes = await privateBytes(second.pid);
    await watch.afterRestore(await this.#shimOf(first.id));
    const keysAfter = [await verify(first, keys), await verify(second, keys)] as const;
    const frozenMs = await readFrozenMs(this.#containerd, content);
    await this.#cleanUp(first.id, second.id);
    return {
      figures: {
        frozenMs,
        checkpointMs,
        restoreToFirstReplyMs: first.firstReplyMs,
        secondRestoreToFirstReplyMs: second.firstReplyMs,
        imageBytes: Number(content.size),
        clonePrivateBytes,
      },
      residentBytes,
      keysBefore: keys,
      keysAfter,
      standstillMs,
      ...watch.result(),
    };
  }

  /** What a fork into eight and a rollback take. */
  async measureVerbs(mib: number): Promise<VerbFigures> {
    this.#progress('forking a redis into eight, and rolling it back');
    return await measureVerbs(this.#containerd, { image: IMAGE, runtime: this.#runtime }, mib);
  }

  /** Ends everything and removes every trace. */
  async close(): Promise<void> {
    this.#tasks.close();
    await this.#containerd.stop();
    await rm(this.#temporary, { recursive: true, force: true });
  }

  async #checkpoint(id: string): Promise<void> {
    const what = ['--task', '--rw', '--image'];
    await this.#containerd.ctr(['containers', 'checkpoint', ...what, id, REFERENCE]);
  }

  async #content(): Promise<ContentDescriptor> {
    const content = await checkpointIn(this.#containerd, REFERENCE);
    if (!content) throw new ShimError('internal', `${REFERENCE} holds no checkpointed task`);
    return content;
  }

  async #restore(content: ContentDescriptor): Promise<Restored> {
    const id = this.#containerd.uniqueId('clone');
    await createContainer(this.#containerd, { id, image: IMAGE, runtime: this.#runtime });
    return await timeFirstReply(id, () => this.#tasks.restore(id, content));
  }

  /** Pid of the shim daemon of a container; undefined if it cannot be found. */
  async #shimOf(id: string): Promise<number | undefined> {
    const ours = new Set(await findByArgument(this.#containerd.address));
    return (await findByArgument(id)).find((pid) => ours.has(pid));
  }

  async #cleanUp(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await removeContainer(this.#containerd, id);
    await removeImage(this.#containerd, REFERENCE);
    for (const id of await vasesOf(this.#containerd)) await removeVas(this.#containerd, id);
  }
}
