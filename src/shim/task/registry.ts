// SPDX-License-Identifier: Apache-2.0
import { isAbsolute } from 'node:path';
import { formatJson } from '../../common/big-json.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { ownCgroupsPath } from '../../common/own-cgroups-path.js';
import { Bundle } from '../bundle.js';
import { taskEvent } from '../events/topics.js';
import { mountRootfs, unmountAll } from '../mount/rootfs.js';
import type { CreateTaskRequest } from '../proto/messages/task.js';
import { Runc } from '../runc/runc.js';
import { decodeOptions, runcSettings } from '../runc/settings.js';
import { checkpointPolicy } from './checkpoint-policy.js';
import { Container, type ContainerParts } from './container.js';
import { specDigest } from './kept-spec.js';
import type { Surroundings } from './ports.js';
import { Leftovers } from './sweep.js';
import { snapshotImage } from './warm-start.js';

const log = logger('task');

type Options = ReturnType<typeof decodeOptions>;

/** The containers of this daemon, by id. */
export class Registry {
  readonly #surroundings: Surroundings;
  readonly #containers = new Map<string, Container>();
  readonly #creating = new Map<
    string,
    { readonly done: Promise<Container>; readonly abort: AbortController }
  >();

  #whenEmpty: (() => void) | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Calls `work` once nothing is left, if everything that is left is about to go: a client that gave up waiting for
   * the end of a creation or deletion does not ask again. A creation that begins or succeeds meanwhile cancels
   * this: its container's end is followed by a request of its own.
   */
  whenEmpty(work: () => void): void {
    const stays = [...this.#containers.values()].some((container) => !container.isBeingDeleted);
    if (!stays) this.#whenEmpty = work;
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.#containers.size > 0 || this.#creating.size > 0) return;
    const work = this.#whenEmpty;
    this.#whenEmpty = undefined;
    work?.();
  }

  /** @throws ShimError `notFound` */
  get(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new ShimError('notFound', `task ${id} not found`);
    return container;
  }

  /** Like {@link get}, but without an error. */
  find(id: string): Container | undefined {
    return this.#containers.get(id);
  }

  /** The tasks, one line each. */
  describe(): { readonly task: string; readonly state: string; readonly pids: string }[] {
    const creating = [...this.#creating.keys()].map((task) => ({
      task,
      state: 'creating',
      pids: '',
    }));
    const all = [...this.#containers.values()].map((container) => ({
      task: container.id,
      state: container.isBeingDeleted ? 'deleting' : container.state,
      pids: container
        .pids()
        .map(({ pid, execId }) => (execId === '' ? pid : `${pid}:${execId}`))
        .join(','),
    }));
    return [...creating, ...all];
  }

  /**
   * Creates a container. On failure nothing is left.
   *
   * @param signal aborts the creation, as its deletion does
   * @throws ShimError `alreadyExists`, `invalidArgument`, or what runc said
   */
  async create(request: CreateTaskRequest, signal: AbortSignal): Promise<Container> {
    const { id } = request;
    checkIdentity(request);
    if (this.#containers.has(id) || this.#creating.has(id)) {
      throw new ShimError('alreadyExists', `task ${id} already exists`);
    }
    const abort = new AbortController();
    const done = this.#create(request, AbortSignal.any([signal, abort.signal]));
    this.#creating.set(id, { done, abort });
    this.#whenEmpty = undefined;
    try {
      const container = await done;
      this.#containers.set(id, container);
      this.#whenEmpty = undefined;
      return container;
    } finally {
      this.#creating.delete(id);
      this.#tellIfEmpty();
    }
  }

  /** Deletes a container; aborts a creation that has not ended yet. */
  async delete(id: string): Promise<Awaited<ReturnType<Container['delete']>>> {
    const creating = this.#creating.get(id);
    creating?.abort.abort(new ShimError('aborted', `task ${id} was deleted meanwhile`));
    await creating?.done.catch(() => undefined);
    const container = this.get(id);
    const deleted = await container.delete();
    if (this.#containers.get(id) === container) this.#containers.delete(id);
    this.#tellIfEmpty();
    return deleted;
  }

  async #create(asked: CreateTaskRequest, signal: AbortSignal): Promise<Container> {
    const bundle = new Bundle(asked.bundle);
    const options = decodeOptions(asked.options, (message, fields) => {
      log.warn(message, { task: asked.id, ...fields });
    });
    const given = bundle.readSpec(); // Before anything is mounted for a spec that cannot be read.
    const checkpoint = asked.checkpoint || (await snapshotImage(given, this.#surroundings));
    const request = { ...asked, checkpoint };
    if (request.rootfs.length > 0) mountRootfs(request.rootfs, bundle.rootfs);
    let leftovers: Leftovers | undefined;
    try {
      const digest = specDigest(bundle);
      if (asked.checkpoint !== '') giveOwnCgroup(bundle, request.id);
      const parts = { ...this.#partsOf(request, bundle, options), specDigest: digest };
      leftovers = new Leftovers(request.id, parts.runc, parts.spec);
      const container = new Container(parts);
      await container.create(signal);
      this.#announce(container, request);
      return container;
    } catch (error) {
      await leftovers?.sweep();
      unmountAll(bundle.rootfs);
      throw error;
    }
  }

  #partsOf(
    request: CreateTaskRequest,
    bundle: Bundle,
    options: Options,
  ): Omit<ContainerParts, 'specDigest'> {
    const { namespace, exits } = this.#surroundings;
    const { id, stdin, stdout, stderr, terminal, checkpoint } = request;
    const { runc: runcOptions } = options;
    const settings = runcSettings(runcOptions, namespace);
    const spec = bundle.readSpec();
    const policy = checkpointPolicy(options, spec.annotations ?? {});
    bundle.write(bundle.options, JSON.stringify(settings));
    return {
      id,
      bundle,
      checkpoint,
      exits,
      surroundings: this.#surroundings,
      spec,
      policy,
      runc: new Runc(settings, bundle.runcLog),
      stdio: { stdin, stdout, stderr, terminal },
      owner: {
        containerId: id,
        namespace,
        uid: runcOptions?.ioUid ?? 0,
        gid: runcOptions?.ioGid ?? 0,
      },
      initFlags: {
        noPivotRoot: runcOptions?.noPivotRoot ?? false,
        noNewKeyring: runcOptions?.noNewKeyring ?? false,
      },
    };
  }

  #announce(container: Container, request: CreateTaskRequest): void {
    const { id, rootfs, checkpoint, stdin, stdout, stderr, terminal } = request;
    this.#surroundings.publish(
      taskEvent.create({
        containerId: id,
        bundle: request.bundle,
        rootfs,
        io: { stdin, stdout, stderr, terminal },
        checkpoint,
        pid: container.init.pid,
      }),
    );
    container.watch();
  }
}

/** A restored container gets a cgroup of its own, whatever the spec of its original says. */
function giveOwnCgroup(bundle: Bundle, id: string): void {
  const spec = bundle.readSpec();
  const cgroupsPath = ownCgroupsPath(spec, id);
  if (cgroupsPath === undefined) return;
  const changed = { ...spec, linux: { ...spec.linux, cgroupsPath } };
  bundle.write(bundle.config, formatJson(changed));
}

/** containerd's identifiers: they become names of files. */
const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

function checkIdentity({ id, bundle }: CreateTaskRequest): void {
  if (!IDENTIFIER.test(id)) {
    throw new ShimError(
      'invalidArgument',
      `task id ${JSON.stringify(id)} is not a valid identifier`,
    );
  }
  if (!isAbsolute(bundle)) {
    throw new ShimError(
      'invalidArgument',
      `bundle ${JSON.stringify(bundle)} of task ${id} is not absolute`,
    );
  }
}
