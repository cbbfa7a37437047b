// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { assertNotAborted, ShimError } from '../common/errors.js';
import { Scope } from '../common/scope.js';
import type { SnapshotRecord } from '../criu/index.js';
import type { ContainerdApi, MethodName, Request, Response } from './api.js';
import { alone, joining, together, type Alone, type Enter } from './groups.js';
import { LABELS } from './head.js';
import type { Container } from '../common/messages/containers.js';
import {
  cloneSpec,
  encodeSpec,
  isGrouped,
  specOf,
  startingFrom,
  type Hook,
  type Network,
  type Spec,
} from './spec.js';
import { assertForkable, decodeTemplate, type Template } from './template.js';

/** Starting a container is work of several processes: more at once only take longer each. */
const AT_ONCE = availableParallelism();
const SIGKILL = 9;
/** Begins labels that a clone takes over: what others say about a container is not true of its clone. */
const INHERITED = 'io.containerd.image.';

/** What clones are to be like. */
export interface ForkRequest {
  /** Their ids. */
  readonly ids: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** In a path, {name} stands for the id. */
  readonly network: Network;
  /** Where their output goes, as in `ctr run --log-uri`, with {name} for the id; empty: nowhere. */
  readonly logUri: string;
  /** Run in each before it goes on; it takes the place of what their spec has. */
  readonly hook?: Hook | undefined;
  /** Gives each a daemon of its own, instead of one for up to eight. */
  readonly ownDaemons?: boolean | undefined;
  /** Lets a single clone share the daemon of others of the same snapshot, which stays. */
  readonly whileAlone?: Alone | undefined;
  readonly signal: AbortSignal;
  /** Is told of each at once, in any order. */
  readonly onClone?: (clone: Clone) => void;
}

/** What clones need of a snapshot. */
export type Origin = Pick<SnapshotRecord, 'id' | 'template'>;

/** What became of one clone. */
export interface Clone {
  readonly id: string;
  /** Pid of its init; undefined if it failed. */
  readonly pid: number | undefined;
  /** Milliseconds from the beginning of its creation until it ran. */
  readonly ms: number;
  readonly error: ShimError | undefined;
}

/** Makes containers of a snapshot. Each succeeds or fails alone; of one that fails nothing is left. */
export async function fork(
  api: ContainerdApi,
  snapshot: Origin,
  request: ForkRequest,
): Promise<Clone[]> {
  const template = decodeTemplate(snapshot.template);
  assertForkable(template.container);
  const clones: Clone[] = [];
  const waiting = [...request.ids.entries()];
  const enterAt = groupsOf(api, snapshot, request);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, id] = next;
      const clone = await attempt(id, () =>
        new Child(api, {
          ...{ id, index: index + 1, enter: enterAt(index), template, snapshot, request },
        }).start(),
      );
      clones[index] = clone;
      request.onClone?.(clone);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return clones;
}

/** Which clones share a daemon. */
function groupsOf(
  api: ContainerdApi,
  { id }: Origin,
  { ids, ownDaemons = false, whileAlone }: ForkRequest,
): (index: number) => Enter {
  if (ownDaemons) return () => alone;
  if (ids.length > 1) return together();
  return () => (whileAlone ? joining(api, id, whileAlone) : alone);
}

async function attempt(id: string, start: () => Promise<number>): Promise<Clone> {
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  try {
    return { id, pid: await start(), ms: ms(), error: undefined };
  } catch (error) {
    return { id, pid: undefined, ms: ms(), error: ShimError.from(error) };
  }
}

/** One clone on its way. */
interface Plan {
  readonly id: string;
  /** Its number among its siblings, from 1. */
  readonly index: number;
  /** Makes its record among those that share its daemon. */
  readonly enter: Enter;
  readonly template: Template;
  readonly snapshot: Origin;
  readonly request: ForkRequest;
}

class Child {
  readonly #api: ContainerdApi;
  readonly #plan: Plan;
  readonly #scope = new Scope();

  constructor(api: ContainerdApi, plan: Plan) {
    this.#api = api;
    this.#plan = plan;
  }

  /** Returns the pid of its init. */
  async start(): Promise<number> {
    try {
      const pid = await this.#start();
      this.#scope.release();
      return pid;
    } catch (error) {
      await this.#scope.close();
      throw error;
    }
  }

  async #start(): Promise<number> {
    const { id, enter, template, request } = this.#plan;
    const { container: source } = template;
    const { snapshotter } = source;
    const { parent, labels = [] } = template;
    const prepare = { snapshotter, key: id, parent, labels: [...labels] };
    // First, since containerd does not collect what a container names. A lease would be two more changes of its records.
    const { spec, container } = await this.#enter(enter);
    this.#undo('Containers/Delete', { id });
    const { mounts: rootfs } = await this.#do('Snapshots/Prepare', prepare);
    this.#undo('Snapshots/Remove', { snapshotter, key: id });
    const logUri = request.logUri.replaceAll('{name}', id);
    const terminal = spec.process?.terminal ?? false;
    const { options } = source.runtime ?? {};
    const streams = { terminal, stdout: logUri, stderr: logUri };
    await this.#do('Tasks/Create', {
      containerId: id,
      rootfs,
      ...streams,
      ...(options && { options }),
    });
    this.#undo('Tasks/Delete', { containerId: id });
    // Its next start, after its end, is an ordinary one, from its own files. The shim has a copy of the spec for this one.
    const plain = this.#update({
      ...container,
      spec: { ...container.spec, value: encodeSpec(spec) },
    });
    plain.catch(() => undefined); // It may fail before it is waited for.
    try {
      const { pid } = await this.#do('Tasks/Start', { containerId: id });
      this.#undo('Tasks/Wait', { containerId: id });
      this.#undo('Tasks/Kill', { containerId: id, signal: SIGKILL, all: true });
      await plain;
      return pid;
    } finally {
      await Promise.allSettled([plain]); // It must not come after what undoes it.
    }
  }

  async #update(container: Partial<Container>): Promise<void> {
    await this.#api.call('Containers/Update', { container, updateMask: { paths: ['spec'] } });
  }

  /** Makes its record, from then on one of those that share its daemon. */
  async #enter(enter: Enter): Promise<{ spec: Spec; container: Partial<Container> }> {
    const { id, index, template, snapshot, request } = this.#plan;
    const network = request.network.replaceAll('{name}', id) as Network;
    const { container: source } = template;
    const given = specOf(source);
    const make = async (group: string | undefined) => {
      const spec = cloneSpec(given, { id, sourceId: source.id, network, group });
      const own = startingFrom(spec, snapshot.id, index, request.hook);
      const container = this.#container(encodeSpec(own), group);
      await this.#do('Containers/Create', { container });
      return { spec, container };
    };
    return await (isGrouped(given) ? make(undefined) : enter(make));
  }

  #container(spec: Uint8Array, group: string | undefined): Partial<Container> {
    const { id, template, snapshot, request } = this.#plan;
    const { container: source } = template;
    const inherited = source.labels.filter(({ key = '' }) => key.startsWith(INHERITED));
    const own = {
      [LABELS.parent]: source.id,
      [LABELS.snapshot]: snapshot.id,
      ...request.labels,
      ...(group !== undefined && { [LABELS.daemon]: group }),
    };
    const labels = Object.entries(own).map(([key, value]) => ({ key, value }));
    const { image, runtime, snapshotter } = source;
    return {
      ...{ id, image, snapshotter, snapshotKey: id, runtime },
      labels: [...inherited, ...labels],
      spec: { typeUrl: source.spec?.typeUrl ?? '', value: spec },
    };
  }

  /**
   * Calls a method, unless the fork has been cancelled. A call under way is not cancelled: containerd would forget a shim
   * that it is starting.
   */
  #do<M extends MethodName>(method: M, request: Request<M>): Promise<Response<M>> {
    assertNotAborted(this.#plan.request.signal, `fork ${this.#plan.id}`);
    return this.#api.call(method, request);
  }

  #undo(...[method, request]: Parameters<ContainerdApi['call']>): void {
    this.#scope.defer(`${method} of clone ${this.#plan.id}`, async () => {
      await this.#api.call(method, request);
    });
  }
}
