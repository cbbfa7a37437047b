// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader';
import { ShimError } from '../../src/common/errors.js';
import type { PrivateContainerd } from './containerd.js';
import { REPOSITORY } from './paths.js';

/** A piece of content, as containerd describes it. */
export interface ContentDescriptor {
  readonly media_type: string;
  readonly digest: string;
  readonly size: string;
}

/** Where the streams of a task lead: FIFOs or URIs; what is left out leads nowhere. */
export interface TaskStdio {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  /** With a terminal; the container's spec has to say so, too. */
  readonly terminal?: boolean;
}

/** A process to be started in a running container. */
export interface ExecRequest extends TaskStdio {
  readonly execId: string;
  readonly args: readonly string[];
}

const PACKAGE = 'containerd.services.tasks.v1';
/** Media type of a checkpointed task, whatever wrote it. */
export const CRIU_TAR = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';
const DEFINITIONS = loadSync(join(REPOSITORY, 'test/helpers/containerd-api.proto'), {
  keepCase: true,
  longs: String,
  defaults: true,
});

type Message = Record<string, unknown>;

/**
 * A client of containerd's own gRPC API, for what `ctr` cannot be told: checkpoint options for other
 * runtimes than runc's, and a task that begins from a checkpoint in the same container.
 */
export class TasksClient {
  readonly #client: Client;
  readonly #metadata = new Metadata();
  readonly #containerd: PrivateContainerd;

  private constructor(containerd: PrivateContainerd) {
    this.#containerd = containerd;
    this.#client = new Client(`unix://${containerd.address}`, credentials.createInsecure());
    this.#metadata.set('containerd-namespace', containerd.namespace);
  }

  /** Connects, and takes a lease, so that content made here is not collected before it is used. */
  static async open(containerd: PrivateContainerd): Promise<TasksClient> {
    const client = new TasksClient(containerd);
    const id = containerd.uniqueId('lease');
    await client.#call('leases', 'Leases', 'Create', { id });
    client.#metadata.set('containerd-lease', id);
    return client;
  }

  /** Checkpoints a task into the content store; with `exit` its processes end by that. */
  async checkpoint(id: string, options: { readonly exit: boolean }): Promise<ContentDescriptor> {
    const type = DEFINITIONS[`${PACKAGE}.CheckpointOptions`] as MessageTypeDefinition<
      object,
      object
    >;
    const value = type.serialize(options);
    const answer = await this.#call('tasks', 'Tasks', 'Checkpoint', {
      container_id: id,
      options: { type_url: 'containerd.runc.v1.CheckpointOptions', value },
    });
    const all = answer['descriptors'] as ContentDescriptor[];
    const found = all.find((descriptor) => descriptor.media_type === CRIU_TAR);
    if (!found)
      throw new ShimError('internal', `checkpoint ${id}: no checkpoint among the descriptors`);
    return found;
  }

  /**
   * Creates and starts a task of an existing container from a checkpoint; resolves with its pid.
   * Precondition: the container has no task.
   */
  async restore(id: string, checkpoint: ContentDescriptor, stdio: TaskStdio = {}): Promise<number> {
    return await this.#begin(id, { ...stdio, checkpoint });
  }

  /** Creates and starts a task of an existing container afresh; resolves with its pid. */
  async begin(id: string, stdio: TaskStdio): Promise<number> {
    return await this.#begin(id, { ...stdio });
  }

  async #begin(id: string, parts: Message): Promise<number> {
    const { snapshotter } = this.#containerd;
    const { mounts } = await this.#call('snapshots', 'Snapshots', 'Mounts', {
      snapshotter,
      key: id,
    });
    await this.#call('tasks', 'Tasks', 'Create', { container_id: id, rootfs: mounts, ...parts });
    await this.#call('tasks', 'Tasks', 'Start', { container_id: id });
    return await this.pid(id);
  }

  /** Starts a process in a task, as root with no more than a PATH. */
  async exec(id: string, { execId, args, ...stdio }: ExecRequest): Promise<void> {
    const spec = { args, cwd: '/', env: ['PATH=/bin', 'TERM=dumb'], user: { uid: 0, gid: 0 } };
    const process = {
      type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
      value: Buffer.from(JSON.stringify(spec)),
    };
    const names = { container_id: id, exec_id: execId };
    await this.#call('tasks', 'Tasks', 'Exec', { ...names, ...stdio, spec: process });
    await this.#call('tasks', 'Tasks', 'Start', names);
  }

  /** Signals a task's init, or a process of it. */
  async kill(id: string, signal: number, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, signal };
    await this.#call('tasks', 'Tasks', 'Kill', request);
  }

  /** Sets the size of a terminal. */
  async resize(id: string, width: number, height: number, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, width, height };
    await this.#call('tasks', 'Tasks', 'ResizePty', request);
  }

  /** Tells that no more input comes. */
  async closeStdin(id: string, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, stdin: true };
    await this.#call('tasks', 'Tasks', 'CloseIO', request);
  }

  /** Removes a process that has ended; resolves with its exit status. */
  async deleteExec(id: string, execId: string): Promise<number> {
    const request = { container_id: id, exec_id: execId };
    const answer = await this.#call('tasks', 'Tasks', 'DeleteProcess', request);
    return answer['exit_status'] as number;
  }

  /** Pid of a task's init. */
  async pid(id: string): Promise<number> {
    const { process } = await this.#call('tasks', 'Tasks', 'Get', { container_id: id });
    return (process as { readonly pid: number }).pid;
  }

  /** Waits until a task, or a process of it, has ended; resolves with its exit status. */
  async wait(id: string, execId = ''): Promise<number> {
    const request = { container_id: id, exec_id: execId };
    return (await this.#call('tasks', 'Tasks', 'Wait', request))['exit_status'] as number;
  }

  /** Removes a task that has ended; resolves with its exit status. */
  async delete(id: string): Promise<number> {
    return (await this.#call('tasks', 'Tasks', 'Delete', { container_id: id }))[
      'exit_status'
    ] as number;
  }

  close(): void {
    this.#client.close();
  }

  #call(api: string, service: string, method: string, request: Message): Promise<Message> {
    const definitions = DEFINITIONS[`${PACKAGE}.${service}`] as Record<
      string,
      MethodDefinition<Message, Message>
    >;
    const definition = definitions[method];
    if (!definition) throw new ShimError('internal', `no method ${service}.${method}`);
    const path = `/containerd.services.${api}.v1.${service}/${method}`;
    const { requestSerialize, responseDeserialize } = definition;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        { deadline: Date.now() + 120_000 },
        (error, answer) => {
          if (error)
            reject(
              new ShimError('unknown', `${service}.${method}: ${error.details}`, { cause: error }),
            );
          else resolve(answer ?? {});
        },
      );
    });
  }
}
