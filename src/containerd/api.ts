// SPDX-License-Identifier: Apache-2.0
import type { Place } from '../common/place.js';
import { mark } from '../common/trace.js';
import { LenientCodec } from '../common/wire/lenient-codec.js';
import { Caller } from './caller.js';
import * as content from '../common/messages/content.js';
import * as containers from '../common/messages/containers.js';
import { Empty } from '../common/messages/empty.js';
import { CONTAINERD_MESSAGES, type ContainerdMessages } from './proto/messages/index.js';
import * as events from './proto/messages/events.js';
import * as leases from './proto/messages/leases.js';
import * as mvas from '../common/messages/mvas-task.js';
import * as shim from '../common/messages/task.js';
import * as snapshots from '../common/messages/snapshots.js';
import * as tasks from './proto/messages/tasks.js';

export type { Place } from '../common/place.js';

const CODEC = new LenientCodec<ContainerdMessages>(CONTAINERD_MESSAGES);
/** Calls that only read or write containerd's records, and starts of containers. */
const LIMIT_MS = 60_000;

/** The methods that we call, of containerd and of its shims: path, request and response. */
const METHODS = {
  'Containers/Get': method(
    'containers',
    containers.GetContainerRequest,
    containers.GetContainerResponse,
  ),
  'Containers/List': method(
    'containers',
    containers.ListContainersRequest,
    containers.ListContainersResponse,
  ),
  'Containers/Create': method(
    'containers',
    containers.CreateContainerRequest,
    containers.CreateContainerResponse,
  ),
  'Containers/Update': method(
    'containers',
    containers.UpdateContainerRequest,
    containers.UpdateContainerResponse,
  ),
  'Containers/Delete': method('containers', containers.DeleteContainerRequest, Empty),
  'Tasks/Create': method('tasks', tasks.CreateTaskRequest, tasks.CreateTaskResponse),
  'Tasks/Start': method('tasks', tasks.StartRequest, tasks.StartResponse),
  'Tasks/Get': method('tasks', tasks.GetRequest, tasks.GetResponse),
  'Tasks/Delete': method('tasks', tasks.DeleteTaskRequest, tasks.DeleteResponse),
  'Tasks/Kill': method('tasks', tasks.KillRequest, Empty),
  'Tasks/Wait': method('tasks', tasks.WaitRequest, tasks.WaitResponse),
  'Snapshots/Prepare': method(
    'snapshots',
    snapshots.PrepareSnapshotRequest,
    snapshots.PrepareSnapshotResponse,
  ),
  'Snapshots/Mounts': method('snapshots', snapshots.MountsRequest, snapshots.MountsResponse),
  'Snapshots/Commit': method('snapshots', snapshots.CommitSnapshotRequest, Empty),
  'Snapshots/Remove': method('snapshots', snapshots.RemoveSnapshotRequest, Empty),
  'Snapshots/Stat': method(
    'snapshots',
    snapshots.StatSnapshotRequest,
    snapshots.StatSnapshotResponse,
  ),
  'Snapshots/List': method(
    'snapshots',
    snapshots.ListSnapshotsRequest,
    snapshots.ListSnapshotsResponse,
  ),
  'Snapshots/Update': method(
    'snapshots',
    snapshots.UpdateSnapshotRequest,
    snapshots.UpdateSnapshotResponse,
  ),
  'Leases/Create': method('leases', leases.CreateRequest, leases.CreateResponse),
  'Leases/Delete': method('leases', leases.DeleteRequest, Empty),
  'Leases/List': method('leases', leases.ListRequest, leases.ListResponse),
  'Leases/AddResource': method('leases', leases.AddResourceRequest, Empty),
  'Leases/ListResources': method(
    'leases',
    leases.ListResourcesRequest,
    leases.ListResourcesResponse,
  ),
  'Content/Info': method('content', content.InfoRequest, content.InfoResponse),
  'Content/List': method('content', content.ListContentRequest, content.ListContentResponse),
  'Content/Read': method('content', content.ReadContentRequest, content.ReadContentResponse),
  'Events/Publish': method('events', events.PublishRequest, Empty),
  'Task/Rollback': ['mvas.task.v1.', mvas.RollbackRequest, mvas.RollbackResponse],
  'Task/Checkpoint': ['containerd.task.v2.', shim.CheckpointTaskRequest, Empty],
} as const satisfies Record<string, MethodShape>;

type MessageName = keyof ContainerdMessages;
type MethodShape = readonly [pkg: string, request: MessageName, response: MessageName];
/** The methods that can be called. */
export type MethodName = keyof typeof METHODS;
/** What a method is asked. */
export type Request<M extends MethodName> = Partial<ContainerdMessages[(typeof METHODS)[M][1]]>;
/** What it answers. */
export type Response<M extends MethodName> = ContainerdMessages[(typeof METHODS)[M][2]];

/** containerd's gRPC API in one namespace; also that of a shim, by its own socket. Close it after use. */
export class ContainerdApi {
  readonly place: Place;
  readonly #caller: Caller;

  /** `socket`: of the shim that is meant, instead of containerd itself. */
  constructor(place: Place, socket = place.address) {
    this.place = place;
    const who = socket === place.address ? 'containerd' : 'the shim';
    this.#caller = new Caller(socket, who, { 'containerd-namespace': place.namespace });
  }

  /**
   * Calls a method.
   *
   * @throws ShimError of the class that the answer's code stands for; `unavailable` if nobody answers
   */
  async call<M extends MethodName>(
    name: M,
    request: Request<M>,
    {
      limitMs = LIMIT_MS,
      signal,
    }: { readonly limitMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Response<M>> {
    const [pkg, requestName, responseName] = METHODS[name];
    const bytes = CODEC.encode(requestName, request);
    mark(`asks ${name}`);
    const answer = await this.#caller.call(`/${pkg}${name}`, bytes, { limitMs, signal });
    mark(`has ${name}`);
    return CODEC.decode(responseName, answer) as Response<M>;
  }

  /** Calls a method that answers with several messages. @throws ShimError as {@link call} does */
  async *stream<M extends 'Content/List' | 'Content/Read' | 'Snapshots/List'>(
    name: M,
    request: Request<M>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Response<M>> {
    const [pkg, requestName, responseName] = METHODS[name];
    const bytes = CODEC.encode(requestName, request);
    const limits = { limitMs: LIMIT_MS, signal };
    for await (const answer of this.#caller.stream(`/${pkg}${name}`, bytes, limits)) {
      yield CODEC.decode(responseName, answer) as Response<M>;
    }
  }

  /** Makes further calls with a lease, or with none. */
  useLease(id: string | undefined): void {
    if (id === undefined) this.#caller.metadata.delete('containerd-lease');
    else this.#caller.metadata.set('containerd-lease', id);
  }

  close(): void {
    this.#caller.close();
  }
}

/** A message as an Any. containerd uses bare full names as type URLs. */
export function anyOf<N extends MessageName>(
  name: N,
  value: Partial<ContainerdMessages[N]>,
): { typeUrl: string; value: Uint8Array } {
  return { typeUrl: name, value: CODEC.encode(name, value) };
}

function method<Q extends MessageName, R extends MessageName>(
  service: string,
  request: Q,
  response: R,
): readonly [string, Q, R] {
  return [`containerd.services.${service}.v1.`, request, response];
}

/** A container's record as bytes. */
export function encodeContainer(container: Partial<containers.Container>): Uint8Array {
  return CODEC.encode(containers.Container, container);
}

/** The inverse of {@link encodeContainer}. */
export function decodeContainer(bytes: Uint8Array): containers.Container {
  return CODEC.decode(containers.Container, bytes);
}
