// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { formatJson, parseJson } from '../../common/big-json.js';
import { ShimError } from '../../common/errors.js';
import { anyOf } from '../proto/codec.js';
import { ProcessDetails } from '../../common/messages/runc-options.js';
import type { RollbackRequest, RollbackResponse } from '../../common/messages/mvas-task.js';
import * as proto from '../../common/messages/task.js';
import { timestamp, ZERO_TIME, type TimestampValue } from '../proto/values.js';
import type { Exit } from '../reaper.js';
import { planCheckpoint } from './checkpoint-options.js';
import type { Container } from './container.js';
import type { Deleted } from './execs.js';
import type { TaskProcess } from './process.js';
import type { Registry } from './registry.js';
import { resourcesOf } from './resources-update.js';

/** What the service needs besides the containers. */
export interface ServiceOptions {
  /** Called when containerd no longer needs this daemon; the reply has yet to be sent. */
  readonly shutdown: () => void;
}

/** The task service: one method for each RPC, between messages and containers. */
export class TaskService {
  readonly #registry: Registry;
  readonly #options: ServiceOptions;

  constructor(registry: Registry, options: ServiceOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  state({ id, execId }: proto.StateRequest): Partial<proto.StateResponse> {
    const container = this.#registry.get(id);
    const child = container.process(execId);
    const { exit } = child;
    return {
      id,
      execId,
      bundle: container.bundle.path,
      pid: child.pid,
      status: statusOf(container, child),
      ...child.stdio,
      ...exitFields(exit),
    };
  }

  async create(request: proto.CreateTaskRequest, signal: AbortSignal): Promise<{ pid: HostPid }> {
    const container = await this.#registry.create(request, signal);
    return { pid: container.init.pid };
  }

  async start({ id, execId }: proto.StartRequest, signal: AbortSignal): Promise<{ pid: HostPid }> {
    const container = this.#registry.get(id);
    const pid = execId === '' ? container.start(signal) : container.startExec(execId, signal);
    return { pid: await pid };
  }

  async delete({ id, execId }: proto.DeleteRequest): Promise<Partial<proto.DeleteResponse>> {
    const { pid, exit }: Deleted =
      execId === ''
        ? await this.#registry.delete(id)
        : await this.#registry.get(id).deleteExec(execId);
    return { pid, ...exitFields(exit) };
  }

  pids({ id }: proto.PidsRequest): Partial<proto.PidsResponse> {
    const processes = this.#registry.get(id).pids();
    return {
      processes: processes.map(({ pid, execId }) =>
        execId === '' ? { pid } : { pid, info: anyOf(ProcessDetails, { execId }) },
      ),
    };
  }

  async pause({ id }: proto.PauseRequest): Promise<object> {
    await this.#registry.get(id).pause();
    return {};
  }

  async resume({ id }: proto.ResumeRequest): Promise<object> {
    await this.#registry.get(id).resume();
    return {};
  }

  async checkpoint(
    { id, path, options }: proto.CheckpointTaskRequest,
    signal: AbortSignal,
  ): Promise<object> {
    const container = this.#registry.get(id);
    await container.checkpoint(planCheckpoint(path, options, container.policy), signal);
    return {};
  }

  async rollback(
    { id, snapshot, changesFrom: from, rootfs }: RollbackRequest,
    signal: AbortSignal,
  ): Promise<Partial<RollbackResponse>> {
    const files = from === '' ? undefined : { from, rootfs };
    const { pid, standstillMs } = await this.#registry
      .get(id)
      .rollback({ snapshot, files }, signal);
    return { pid, standstillUs: BigInt(Math.round(standstillMs * 1000)) };
  }

  async kill(request: proto.KillRequest): Promise<object> {
    const { id, execId, signal, all } = request;
    await this.#registry.get(id).kill(execId, signal, all);
    return {};
  }

  exec(request: proto.ExecProcessRequest): object {
    const { id, execId, stdin, stdout, stderr, terminal } = request;
    const container = this.#registry.get(id);
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(execId)) {
      throw new ShimError(
        'invalidArgument',
        `exec id ${JSON.stringify(execId)} is not a valid identifier`,
      );
    }
    const spec = withTerminal(request.spec?.value ?? new Uint8Array(0), terminal);
    container.addExec(execId, { stdin, stdout, stderr, terminal }, spec);
    return {};
  }

  resizePty(request: proto.ResizePtyRequest): object {
    const { id, execId, width, height } = request;
    this.#registry.get(id).process(execId).resize(width, height);
    return {};
  }

  closeIo({ id, execId, stdin }: proto.CloseIORequest): object {
    const child = this.#registry.get(id).process(execId);
    if (stdin) child.closeStdin();
    return {};
  }

  async update({ id, resources }: proto.UpdateTaskRequest): Promise<object> {
    await this.#registry.get(id).update(resourcesOf(resources));
    return {};
  }

  async wait({ id, execId }: proto.WaitRequest): Promise<Partial<proto.WaitResponse>> {
    return exitFields(await this.#registry.get(id).process(execId).exited);
  }

  stats({ id }: proto.StatsRequest): Partial<proto.StatsResponse> {
    return { stats: this.#registry.get(id).metrics() };
  }

  connect({ id }: proto.ConnectRequest): Partial<proto.ConnectResponse> {
    return { shimPid: process.pid, taskPid: this.#registry.find(id)?.init.pid ?? 0 };
  }

  shutdown(): object {
    this.#registry.whenEmpty(this.#options.shutdown);
    return {};
  }
}

function exitFields(exit: Exit | undefined): { exitStatus: number; exitedAt: TimestampValue } {
  return exit === undefined
    ? { exitStatus: 0, exitedAt: ZERO_TIME }
    : { exitStatus: exit.status, exitedAt: timestamp(exit.at) };
}

/** A process's status: its own end, and while it is alive, the container's status if they share it. */
function statusOf(container: Container, child: TaskProcess): number {
  const { Status } = proto;
  if (child.exit !== undefined) return Status.STOPPED;
  const { state } = container;
  if (state === 'paused') return Status.PAUSED;
  if (state === 'pausing') return Status.PAUSING;
  if (child.execId !== '') return child.pid === 0 ? Status.CREATED : Status.RUNNING;
  if (state === 'running') return Status.RUNNING;
  return state === 'created' || state === 'checkpointed' ? Status.CREATED : Status.STOPPED;
}

/** An exec's process spec with the request's terminal flag. @throws ShimError `invalidArgument` */
function withTerminal(spec: Uint8Array, terminal: boolean): string {
  try {
    const parsed = parseJson(Buffer.from(spec).toString('utf8')) as Record<string, unknown>;
    return formatJson({ ...parsed, terminal });
  } catch (cause) {
    throw new ShimError('invalidArgument', `read process spec: ${String(cause)}`, { cause });
  }
}
