// SPDX-License-Identifier: Apache-2.0
import { isAbsolute } from 'node:path';
import { formatJson } from '../../common/big-json.js';
import { groupOf, isJoined } from '../../common/daemon-socket.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { ownCgroupsPath } from '../../common/own-cgroups-path.js';
import { Bundle, type Spec } from '../bundle.js';
import { taskEvent } from '../events/topics.js';
import { assertOwners } from '../mount/lost-owners.js';
import { mountRootfs, unmountAll } from '../mount/rootfs.js';
import { giveFiles, type GivenFiles } from '../mount/snapshot-files.js';
import type { CreateTaskRequest } from '../../common/messages/task.js';
import { Runc } from '../runc/runc.js';
import { decodeOptions, runcSettings } from '../runc/settings.js';
import { checkpointPolicy, TTL } from './checkpoint-policy.js';
import { Container, type ContainerParts } from './container.js';
import { specDigest } from './kept-spec.js';
import { OwnSnapshot } from './own-snapshot.js';
import { ownStart, type OwnStart } from './own-start.js';
import type { Surroundings } from './ports.js';
import { isOnImageOf } from './same-image.js';
import { Leftovers } from './sweep.js';
import { COLD, originOf, type Origin } from './warm-start.js';

const log = logger('task');

type Options = ReturnType<typeof decodeOptions>;

/** What a container is created by. */
interface Creation {
  readonly asked: CreateTaskRequest;
  readonly bundle: Bundle;
  readonly options: Options;
  /** Set if it is to have a snapshot of its own. */
  readonly own: OwnStart | undefined;
  readonly signal: AbortSignal;
}

/** The containers of this daemon, by id. */
export class Registry {
  readonly #surroundings: Surroundings;
  readonly #containers = new Map<string, Container>();
  readonly #creating = new Map<
    string,
    { readonly done: Promise<Container>; readonly abort: AbortController }
  >();

  #whenEmpty: (() => void) | undefined;
  #mayBeJoined = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Whether it has no container, and none is being created. */
  get isEmpty(): boolean {
    return this.#containers.size === 0 && this.#creating.size === 0;
  }

  /** Whether more containers may come when it has none left: clones of the same snapshot. */
  get mayBeJoined(): boolean {
    return this.#mayBeJoined;
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
    if (!this.isEmpty) return;
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
    this.#surroundings.onBundle?.(bundle);
    const given = bundle.readSpec(); // Before anything is mounted for a spec that cannot be read.
    this.#mayBeJoined ||= isJoined(groupOf(given, asked.id));
    const own = asked.checkpoint ? undefined : await ownStart(asked, given, this.#surroundings);
    const creation = { asked, bundle, options, own, signal };
    if (!own?.origin) return await this.#createFrom(await this.#originOf(asked, given), creation);
    try {
      return await this.#createFrom(own.origin, creation);
    } catch (error) {
      if (signal.aborted) throw error;
      await this.#noteStart(own.origin, false);
      const { message: reason } = ShimError.from(error);
      const { name: snapshot } = own;
      log.warn('cannot begin from its own snapshot, so it starts cold', {
        ...{ task: asked.id, snapshot, reason },
      });
      return await this.#createFrom(COLD, { ...creation, own: undefined });
    }
  }

  async #originOf({ checkpoint }: CreateTaskRequest, given: Spec): Promise<Origin> {
    if (checkpoint !== '') return { imagePath: checkpoint };
    return await originOf(given, this.#surroundings);
  }

  async #createFrom(
    origin: Origin,
    { asked, bundle, options, own, signal }: Creation,
  ): Promise<Container> {
    const files = await this.#giveFiles(asked, origin, own !== undefined);
    const request = { ...asked, checkpoint: origin.imagePath };
    const mountAll = (): void => {
      if (request.rootfs.length > 0) mountRootfs(request.rootfs, bundle.rootfs);
    };
    let leftovers: Leftovers | undefined;
    try {
      mountAll();
      const digest = specDigest(bundle);
      if (asked.checkpoint !== '') giveOwnCgroup(bundle, request.id);
      const common = this.#partsOf(request, bundle, options);
      const { spec } = common;
      const parts = {
        ...common,
        specDigest: digest,
        own: own && !own.origin ? this.#ownSnapshot(request.id, own, bundle) : undefined,
        ...(asked.checkpoint !== '' && { assertFiles: () => assertOwners(asked.rootfs, spec) }),
        fallBack: own?.origin && {
          prepare: () => anew(bundle, mountAll, files),
          note: (isRestored: boolean) => this.#noteStart(origin, isRestored),
        },
      };
      leftovers = new Leftovers(request.id, parts.runc, parts.spec);
      const container = new Container(parts);
      await container.create(signal);
      this.#announce(container, request);
      return container;
    } catch (error) {
      await leftovers?.sweep();
      unmountAll(bundle.rootfs);
      await files?.undo();
      throw error;
    }
  }

  /** Notes whether a container could begin from its own snapshot; nobody else fails if that does. */
  async #noteStart({ snapshot }: Origin, isRestored: boolean): Promise<void> {
    try {
      if (snapshot) await this.#surroundings.engine.noteStart(snapshot.id, isRestored);
    } catch (error) {
      log.debug('a start cannot be noted', { snapshot: snapshot?.id, error: String(error) });
    }
  }

  /** Gives a new root filesystem the files of the snapshot that its container begins from. */
  async #giveFiles(
    { id: task, rootfs }: CreateTaskRequest,
    { snapshot }: Origin,
    isOwn: boolean,
  ): Promise<GivenFiles | undefined> {
    if (!snapshot) return undefined;
    const { engine } = this.#surroundings;
    const isSameImage = () => isOnImageOf(snapshot, task, this.#surroundings);
    if (!snapshot.layers) {
      await isSameImage();
      return undefined;
    }
    const addLayer: typeof engine.addLayer = (places) => engine.addLayer(places);
    const given = await giveFiles(rootfs, snapshot.layers, { addLayer, isSameImage });
    const { lack: reason } = given;
    if (reason !== undefined) {
      if (isOwn) throw new ShimError('failedPrecondition', reason);
      log.warn('it lacks the files of its snapshot', { task, snapshot: snapshot.id, reason });
    }
    return given;
  }

  #ownSnapshot(
    containerId: string,
    { when, name, isSpent }: OwnStart,
    bundle: Bundle,
  ): OwnSnapshot {
    const hasTtl = bundle.readSpec().annotations?.[TTL] !== undefined;
    const surroundings = this.#surroundings;
    return new OwnSnapshot({ containerId, when, name, hasTtl, isSpent, surroundings });
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

/** Makes a root filesystem as it was before a snapshot's files came into it. */
async function anew(
  bundle: Bundle,
  mountAll: () => void,
  files: GivenFiles | undefined,
): Promise<void> {
  unmountAll(bundle.rootfs);
  await files?.undo();
  mountAll();
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
