// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { assertNotAborted, ShimError } from '../common/errors.js';
import { Scope } from '../common/scope.js';
import type { SnapshotRecord } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { LABELS } from './head.js';
import type { Container } from './proto/messages/containers.js';
import { cloneSpec, encodeSpec, specOf, startingFrom, type Network } from './spec.js';
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
  readonly network: Network;
  /** Where their output goes, as in `ctr run --log-uri`, with {name} for the id; empty: nowhere. */
  readonly logUri: string;
  readonly signal: AbortSignal;
}

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
  snapshot: SnapshotRecord,
  request: ForkRequest,
): Promise<Clone[]> {
  const template = decodeTemplate(snapshot.template);
  assertForkable(template.container);
  const clones: Clone[] = [];
  const waiting = [...request.ids.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, id] = next;
      clones[index] = await attempt(id, () =>
        new Child(api, { id, index: index + 1, template, snapshot, request }).start(),
      );
    }
  };
  await api.withLease(async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  });
  return clones;
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
  readonly template: Template;
  readonly snapshot: SnapshotRecord;
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
    const { id, request } = this.#plan;
    try {
      assertNotAborted(request.signal, `fork ${id}`);
      const pid = await this.#start();
      this.#scope.release();
      return pid;
    } catch (error) {
      await this.#scope.close();
      throw error;
    }
  }

  async #start(): Promise<number> {
    const { id, index, template, snapshot, request } = this.#plan;
    const { signal, network } = request;
    const { container: source } = template;
    const { snapshotter } = source;
    const spec = cloneSpec(specOf(source), { id, sourceId: source.id, network });
    const { parent, labels = [] } = template;
    const prepare = { snapshotter, key: id, parent, labels: [...labels] };
    const { mounts: rootfs } = await this.#api.call('Snapshots/Prepare', prepare, { signal });
    this.#undo('Snapshots/Remove', { snapshotter, key: id });
    const container = this.#container(encodeSpec(startingFrom(spec, snapshot.id, index)));
    await this.#api.call('Containers/Create', { container }, { signal });
    this.#undo('Containers/Delete', { id });
    const logUri = request.logUri.replaceAll('{name}', id);
    const terminal = spec.process?.terminal ?? false;
    const { options } = source.runtime ?? {};
    await this.#api.call(
      'Tasks/Create',
      {
        containerId: id,
        rootfs,
        terminal,
        stdout: logUri,
        stderr: logUri,
        ...(options && { options }),
      },
      { signal },
    );
    this.#undo('Tasks/Delete', { containerId: id });
    const { pid } = await this.#api.call('Tasks/Start', { containerId: id }, { signal });
    this.#undo('Tasks/Wait', { containerId: id });
    this.#undo('Tasks/Kill', { containerId: id, signal: SIGKILL, all: true });
    // Its next start, after its end, is an ordinary one, from its own files.
    const plain = { ...container, spec: { ...container.spec, value: encodeSpec(spec) } };
    await this.#api.call('Containers/Update', {
      container: plain,
      updateMask: { paths: ['spec'] },
    });
    return pid;
  }

  #container(spec: Uint8Array): Partial<Container> {
    const { id, template, snapshot, request } = this.#plan;
    const { container: source } = template;
    const inherited = source.labels.filter(({ key = '' }) => key.startsWith(INHERITED));
    const own = {
      [LABELS.parent]: source.id,
      [LABELS.snapshot]: snapshot.id,
      ...request.labels,
    };
    const labels = Object.entries(own).map(([key, value]) => ({ key, value }));
    const { image, runtime, snapshotter } = source;
    return {
      ...{ id, image, snapshotter, snapshotKey: id, runtime },
      labels: [...inherited, ...labels],
      spec: { typeUrl: source.spec?.typeUrl ?? '', value: spec },
    };
  }

  #undo(...[method, request]: Parameters<ContainerdApi['call']>): void {
    this.#scope.defer(`${method} of clone ${this.#plan.id}`, async () => {
      await this.#api.call(method, request);
    });
  }
}
