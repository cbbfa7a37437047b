// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  anyOf,
  decode,
  encode,
  type MessageName,
  type ShimMessages,
} from '../../src/shim/proto/codec.js';
import { Any } from '../../src/common/messages/any.js';
import { Empty } from '../../src/common/messages/empty.js';
import { ForwardRequest } from '../../src/shim/proto/messages/forward.js';
import { Options as RuncOptions } from '../../src/common/messages/runc-options.js';
import type { AnyValue } from '../../src/shim/proto/values.js';
import * as proto from '../../src/common/messages/task.js';
import { TtrpcClient } from '../../src/shim/rpc/client.js';
import { method, serviceTable } from '../../src/shim/rpc/methods.js';
import { TtrpcServer } from '../../src/shim/rpc/server.js';
import { cgroupsOf, mountsBelow, removeTraces, vasRoot } from './containerd-cleanup.js';
import { cleanUpIfInterrupted } from './interruption.js';
import { BIN, REPOSITORY } from './paths.js';
import { findByArgument } from './procfs.js';
import { run, until } from './run.js';
import { NO_HEIR } from './standbys.js';
import { makeBundle } from './targets-bundle.js';

const CALL_MS = 60_000;
const BUSYBOX = '/usr/bin/busybox';

/** A shim without a containerd: the test itself calls it, and takes its events. */
export class PrivateShim {
  readonly directory = mkdtempSync('/var/tmp/mvas-shim-');
  readonly namespace = `mvas-${randomBytes(4).toString('hex')}`;
  /** Where a containerd's socket would be: it tells our shims from those of others. */
  readonly address = join(this.directory, 'c.sock');
  /** Topics of the events so far, in order. */
  readonly topics: string[] = [];
  readonly #clients: TtrpcClient[] = [];
  readonly #env: NodeJS.ProcessEnv;
  readonly #events: Server;
  readonly #senders = new Set<Socket>();

  private constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    const rpc = new TtrpcServer(
      serviceTable(['containerd.services.events.ttrpc.v1.Events'], {
        Forward: method(ForwardRequest, Empty, ({ envelope }) => {
          this.topics.push(envelope?.topic ?? '');
          return {};
        }),
      }),
    );
    this.#events = createServer((socket) => {
      this.#senders.add(socket);
      rpc.accept(socket);
    });
    this.takeEvents();
  }

  /**
   * Makes one for a test, and removes what it leaves after the test.
   *
   * @param env additional variables for the shims
   */
  static async open(t: ExecutionContext, env: NodeJS.ProcessEnv = {}): Promise<PrivateShim> {
    await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
    const shim = new PrivateShim(env);
    const settled = cleanUpIfInterrupted(() => removeTraces(shim, false));
    t.teardown(async () => {
      for (const client of shim.#clients) client.close();
      shim.refuseEvents();
      await removeTraces(shim, false);
      settled();
    });
    return shim;
  }

  /** Takes events, as it does from the beginning. */
  takeEvents(): void {
    this.#events.listen(`${this.address}.ttrpc`).unref();
  }

  /** Takes no more events, like a containerd that is away. */
  refuseEvents(): void {
    this.#events.close();
    for (const sender of this.#senders) sender.destroy();
    this.#senders.clear();
  }

  /** A bundle whose container runs a line of busybox's shell. `edit` may change its spec. */
  bundle(
    id: string,
    command: string,
    edit: (spec: Record<string, unknown>) => unknown = (spec) => spec,
  ): string {
    const path = join(this.directory, id);
    makeBundle({
      path,
      binary: BUSYBOX,
      cgroup: `/${this.namespace}/${id}`,
      extraCapabilities: [],
      wantsRealtime: false,
      libraries: [],
    });
    mkdirSync(join(path, 'rootfs/bin'));
    copyFileSync(BUSYBOX, join(path, 'rootfs/bin/busybox'));
    const config = join(path, 'config.json');
    const spec = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
    const process = spec['process'] as Record<string, unknown>;
    process['args'] = ['/bin/busybox', 'sh', '-c', command];
    const edited = edit(spec);
    writeFileSync(config, typeof edited === 'string' ? edited : JSON.stringify(edited));
    return path;
  }

  /** Starts the daemon of a bundle, as containerd does. */
  async start(id: string, options?: AnyValue): Promise<ShimClient> {
    const bundle = join(this.directory, id);
    const flags = ['-namespace', this.namespace, '-address', this.address, '-id', id];
    const address = await run(join(BIN, 'containerd-shim-mvas-v1'), [...flags, 'start'], {
      cwd: bundle,
      env: {
        ...process.env,
        TTRPC_ADDRESS: `${this.address}.ttrpc`,
        MVAS_ROOT: vasRoot(this),
        ...NO_HEIR,
        ...this.#env,
      },
      input: Buffer.from(encode(Any, options ?? {})),
    });
    const client = await TtrpcClient.connect(address.replace('unix://', ''), CALL_MS);
    this.#clients.push(client);
    return new ShimClient(client);
  }

  /** An executable that is called as runc is; `script` is shell code, with runc's arguments in "$@". */
  runc(name: string, script: string): AnyValue {
    const binaryName = join(this.directory, name);
    writeFileSync(binaryName, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return runcOptions({ binaryName });
  }

  /** What is left of a container that was never created, or was deleted: nothing, if all is well. */
  async leftovers(id: string): Promise<string[]> {
    const cgroups = (await cgroupsOf(this.namespace)).map((group) => join(group, id));
    const state = join('/run/containerd/runc', this.namespace, id);
    const mounts = await mountsBelow(join(this.directory, id));
    return [...cgroups.filter((path) => existsSync(path)), ...mounts].concat(
      existsSync(state) ? [state] : [],
    );
  }

  /** Waits until the newest event is of a topic: they come in order, each after the answer to its call. */
  async told(topic: string): Promise<void> {
    await until(`the event ${topic}`, () => Promise.resolve(this.topics.at(-1) === topic));
  }

  /** Waits until all daemons have ended. */
  async ended(): Promise<void> {
    await until('the shims to end', async () => (await findByArgument(this.address)).length === 0);
  }
}

/** Runtime options of runc. */
export function runcOptions(options: Partial<RuncOptions>): AnyValue {
  return anyOf(RuncOptions, options);
}

/** Calls of the task service. Each throws the ShimError that the shim answered with. */
export class ShimClient {
  readonly #client: TtrpcClient;

  constructor(client: TtrpcClient) {
    this.#client = client;
  }

  async create(request: Partial<proto.CreateTaskRequest>, timeoutMs = CALL_MS): Promise<number> {
    const call = { name: 'Create', request, timeoutMs };
    return (await this.#call(proto.CreateTaskRequest, proto.CreateTaskResponse, call)).pid;
  }

  async start(id: string, execId = '', timeoutMs = CALL_MS): Promise<number> {
    const call = { name: 'Start', request: { id, execId }, timeoutMs };
    return (await this.#call(proto.StartRequest, proto.StartResponse, call)).pid;
  }

  async state(id: string, execId = ''): Promise<proto.StateResponse> {
    const call = { name: 'State', request: { id, execId } };
    return await this.#call(proto.StateRequest, proto.StateResponse, call);
  }

  async delete(id: string, execId = ''): Promise<proto.DeleteResponse> {
    const call = { name: 'Delete', request: { id, execId } };
    return await this.#call(proto.DeleteRequest, proto.DeleteResponse, call);
  }

  /** Resolves with the exit status. */
  async wait(id: string, execId = ''): Promise<number> {
    const call = { name: 'Wait', request: { id, execId } };
    return (await this.#call(proto.WaitRequest, proto.WaitResponse, call)).exitStatus;
  }

  async kill(request: Partial<proto.KillRequest>): Promise<void> {
    await this.#call(proto.KillRequest, Empty, { name: 'Kill', request });
  }

  async exec(request: Partial<proto.ExecProcessRequest>): Promise<void> {
    await this.#call(proto.ExecProcessRequest, Empty, { name: 'Exec', request });
  }

  /** Ends the input of a process. */
  async closeIo(id: string, execId = ''): Promise<void> {
    const call = { name: 'CloseIO', request: { id, execId, stdin: true } };
    await this.#call(proto.CloseIORequest, Empty, call);
  }

  async resize(request: Partial<proto.ResizePtyRequest>): Promise<void> {
    await this.#call(proto.ResizePtyRequest, Empty, { name: 'ResizePty', request });
  }

  async update(id: string, resources: AnyValue): Promise<void> {
    const annotations = [{ key: 'any', value: 'thing' }];
    const call = { name: 'Update', request: { id, resources, annotations } };
    await this.#call(proto.UpdateTaskRequest, Empty, call);
  }

  async checkpoint(id: string, path: string, options?: AnyValue): Promise<void> {
    const request = { id, path, ...(options && { options }) };
    await this.#call(proto.CheckpointTaskRequest, Empty, { name: 'Checkpoint', request });
  }

  /** Calls that name only a task and return nothing: Pause, Resume. */
  async order(name: 'Pause' | 'Resume', id: string): Promise<void> {
    await this.#call(proto.PauseRequest, Empty, { name, request: { id } });
  }

  async pids(id: string): Promise<proto.PidsResponse> {
    const call = { name: 'Pids', request: { id } };
    return await this.#call(proto.PidsRequest, proto.PidsResponse, call);
  }

  async stats(id: string): Promise<AnyValue> {
    const call = { name: 'Stats', request: { id } };
    return (await this.#call(proto.StatsRequest, proto.StatsResponse, call)).stats ?? {};
  }

  async connect(id: string): Promise<proto.ConnectResponse> {
    const call = { name: 'Connect', request: { id } };
    return await this.#call(proto.ConnectRequest, proto.ConnectResponse, call);
  }

  async shutdown(id: string): Promise<void> {
    await this.#call(proto.ShutdownRequest, Empty, { name: 'Shutdown', request: { id } });
  }

  /** Closes the connection; open calls fail. */
  close(): void {
    this.#client.close();
  }

  async #call<Q extends MessageName, R extends MessageName>(
    requestType: Q,
    responseType: R,
    call: {
      readonly name: string;
      readonly request: Partial<ShimMessages[Q]>;
      readonly timeoutMs?: number;
    },
  ): Promise<ShimMessages[R]> {
    const bytes = await this.#client.call({
      service: 'containerd.task.v2.Task',
      method: call.name,
      payload: encode(requestType, call.request),
      timeoutMs: call.timeoutMs ?? CALL_MS,
    });
    return decode(responseType, bytes);
  }
}
