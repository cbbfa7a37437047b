// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from '../../../src/shim/proto/codec.js';
import { CreateTaskRequest, KillRequest, StateRequest } from '../../../src/common/messages/task.js';
import { assertInvariant } from '../../../src/common/errors.js';
import { cgroupsOf } from '../../helpers/containerd-cleanup.js';
import { extractImage } from '../../helpers/images/extract.js';
import { ShimStarter } from '../../helpers/shim-start.js';
import { COUNTER } from '../../helpers/workloads/counter.js';
import { RawClient, request, type Answer } from './raw-client.js';
import { RawGrpc } from './raw-grpc.js';

/** Parent of the containers' cgroups. */
const CGROUP = `mvas-protocol-${String(process.pid)}`;

/** Asks for the state of a task, or of a process of it. */
export const state = (stream: number, id: string, execId = ''): Buffer =>
  request(stream, 'State', encode(StateRequest, { id, execId }));

export const wait = (stream: number, id: string): Buffer =>
  request(stream, 'Wait', encode(StateRequest, { id }));

/** A shim daemon without a containerd, and connections to it. */
export class Daemon {
  readonly pid: number;
  /** Path of its socket. */
  readonly socket: string;
  readonly #starter: ShimStarter;
  readonly #clients: { close(): void }[] = [];

  private constructor(starter: ShimStarter, pid: number, socket: string) {
    this.#starter = starter;
    this.pid = pid;
    this.socket = socket;
  }

  /** Starts it; the caller stops it. */
  static async start(): Promise<Daemon> {
    const starter = new ShimStarter({ MVAS_STANDBY: '0' });
    const { stdout } = await starter.start({ id: 'protocol' });
    const pid = await starter.daemonAt(stdout);
    return new Daemon(starter, pid, stdout.slice('unix://'.length));
  }

  /** A new connection, closed with the daemon. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.open(this.socket);
    this.#clients.push(client);
    return client;
  }

  /** A new gRPC connection, closed with the daemon. */
  async connectGrpc(): Promise<RawGrpc> {
    const client = await RawGrpc.open(this.socket);
    this.#clients.push(client);
    return client;
  }

  /** Calls a method by a connection of its own. */
  async call(method: string, payload: Uint8Array): Promise<Answer | undefined> {
    const client = await this.connect();
    const answer = await client.ask(request(1, method, payload));
    client.close();
    return answer;
  }

  /** Runs a container that sleeps until it is killed. */
  async runSleeper(id: string): Promise<void> {
    const bundle = this.#starter.bundle(id);
    const rootfs = join(bundle, 'rootfs');
    mkdirSync(rootfs, { recursive: true });
    await extractImage(await COUNTER.archive(), rootfs);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(sleeper(id)));
    for (const [method, payload] of [
      ['Create', encode(CreateTaskRequest, { id, bundle })],
      ['Start', encode(StateRequest, { id })],
    ] as const) {
      const answer = await this.call(method, payload);
      assertInvariant(answer?.code === 0, `${method}: ${answer?.message ?? 'no answer'}`);
    }
  }

  /** Kills a container's init, and waits for its end. */
  async kill(id: string): Promise<void> {
    await this.call('Kill', encode(KillRequest, { id, signal: 9 }));
    await this.call('Wait', encode(StateRequest, { id }));
  }

  async delete(id: string): Promise<Answer | undefined> {
    return await this.call('Delete', encode(StateRequest, { id }));
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#starter.stop();
    for (const directory of await cgroupsOf(CGROUP)) await rmdir(directory);
  }
}

function sleeper(id: string): object {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/sleep', '1000'], cwd: '/' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      cgroupsPath: `/${CGROUP}/${id}`,
      namespaces: ['pid', 'mount', 'ipc', 'network'].map((type) => ({ type })),
      resources: { devices: [{ allow: true, access: 'rwm' }] },
    },
  };
}
