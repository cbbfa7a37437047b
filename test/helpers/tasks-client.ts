// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../src/common/errors.js';
import { ContainerdApi, encodeMessage, type Message } from './containerd-api.js';
import type { PrivateContainerd } from './containerd.js';

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

/** Options of containerd's runc runtime, those that tests use. */
export interface RuncOptions {
  readonly io_uid: number;
  readonly io_gid: number;
}

/** Media type of a checkpointed task, in any version. */
export const CRIU_TAR = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';

/**
 * A client of containerd's own gRPC API, for what `ctr` cannot do: checkpoint options for
 * runtimes other than runc's, and a task that begins from a checkpoint in the same container.
 */
export class TasksClient {
  readonly #api: ContainerdApi;
  readonly #containerd: PrivateContainerd;

  private constructor(containerd: PrivateContainerd, api: ContainerdApi) {
    this.#containerd = containerd;
    this.#api = api;
  }

  /** Connects, and takes a lease, so that content made here is not collected before it is used. */
  static async open(containerd: PrivateContainerd): Promise<TasksClient> {
    return new TasksClient(containerd, await ContainerdApi.withLease(containerd));
  }

  /** Checkpoints a task into the content store; with `exit` this ends its processes. */
  async checkpoint(id: string, options: { readonly exit: boolean }): Promise<ContentDescriptor> {
    const value = encodeMessage('CheckpointOptions', options);
    const answer = await this.#api.call('tasks.Tasks', 'Checkpoint', {
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
   *
   * @param mark called when the mounts are known, and when the task is created
   */
  async restore(
    id: string,
    checkpoint: ContentDescriptor,
    stdio: TaskStdio = {},
    mark?: (name: string) => void,
  ): Promise<number> {
    return await this.#begin(id, { ...stdio, checkpoint }, mark);
  }

  /** Creates and starts a task of an existing container afresh; resolves with its pid. */
  async begin(id: string, stdio: TaskStdio, options?: RuncOptions): Promise<number> {
    const value = options && encodeMessage('RuncOptions', { ...options });
    const any = value && { options: { type_url: 'containerd.runc.v1.Options', value } };
    return await this.#begin(id, { ...stdio, ...any });
  }

  async #begin(id: string, parts: Message, mark?: (name: string) => void): Promise<number> {
    await this.#create(id, parts, mark);
    mark?.('created');
    return await this.start(id);
  }

  /** Starts a task that was created; resolves with its pid. */
  async start(id: string): Promise<number> {
    const { pid } = await this.#api.call('tasks.Tasks', 'Start', { container_id: id });
    return pid as number;
  }

  /** Creates a task of an existing container, to be started or deleted. */
  async create(id: string, stdio: TaskStdio): Promise<void> {
    await this.#create(id, { ...stdio });
  }

  async #create(id: string, parts: Message, mark?: (name: string) => void): Promise<void> {
    const { snapshotter } = this.#containerd;
    const { mounts } = await this.#api.call('snapshots.Snapshots', 'Mounts', {
      snapshotter,
      key: id,
    });
    mark?.('mounts');
    await this.#api.call('tasks.Tasks', 'Create', { container_id: id, rootfs: mounts, ...parts });
  }

  /** Starts a process in a task, as root with only PATH in its environment. */
  async exec(id: string, { execId, args, ...stdio }: ExecRequest): Promise<void> {
    const spec = { args, cwd: '/', env: ['PATH=/bin', 'TERM=dumb'], user: { uid: 0, gid: 0 } };
    const process = {
      type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
      value: Buffer.from(JSON.stringify(spec)),
    };
    const names = { container_id: id, exec_id: execId };
    await this.#api.call('tasks.Tasks', 'Exec', { ...names, ...stdio, spec: process });
    await this.#api.call('tasks.Tasks', 'Start', names);
  }

  /** Signals a task's init, or a process of it. */
  async kill(id: string, signal: number, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, signal };
    await this.#api.call('tasks.Tasks', 'Kill', request);
  }

  /** Sets the size of a terminal. */
  async resize(id: string, width: number, height: number, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, width, height };
    await this.#api.call('tasks.Tasks', 'ResizePty', request);
  }

  /** Tells a process that its input ends. */
  async closeStdin(id: string, execId = ''): Promise<void> {
    const request = { container_id: id, exec_id: execId, stdin: true };
    await this.#api.call('tasks.Tasks', 'CloseIO', request);
  }

  /** Removes a process that has ended; resolves with its exit status. */
  async deleteExec(id: string, execId: string): Promise<number> {
    const request = { container_id: id, exec_id: execId };
    const answer = await this.#api.call('tasks.Tasks', 'DeleteProcess', request);
    return answer['exit_status'] as number;
  }

  /** Pid of a task's init. */
  async pid(id: string): Promise<number> {
    const { process } = await this.#api.call('tasks.Tasks', 'Get', { container_id: id });
    return (process as { readonly pid: number }).pid;
  }

  /** Waits until a task, or a process of it, has ended; resolves with its exit status. */
  async wait(id: string, execId = ''): Promise<number> {
    const request = { container_id: id, exec_id: execId };
    return (await this.#api.call('tasks.Tasks', 'Wait', request))['exit_status'] as number;
  }

  /** Removes a task that has ended; resolves with its exit status. */
  async delete(id: string): Promise<number> {
    return (await this.#api.call('tasks.Tasks', 'Delete', { container_id: id }))[
      'exit_status'
    ] as number;
  }

  close(): void {
    this.#api.close();
  }
}
