// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { errorOf, ShimError } from '../../src/common/errors.js';
import { REPOSITORY } from './paths.js';

const DEFINITIONS = loadSync(join(REPOSITORY, 'proto/cri/runtime.proto'), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});
const DEADLINE_MS = 120_000;

type Methods = Readonly<Record<string, MethodDefinition<object, object>>>;

/** What a pod is in Kubernetes' words; `firstId` of the host is root of a pod with `hostUsers: false`. */
export interface PodKind {
  readonly shareProcessNamespace?: boolean;
  readonly firstId?: number;
}

/** Ids of a pod with a user namespace. */
const IDS = 65_536;

/** Host networking, or a network of its own for a pod with a user namespace; otherwise the defaults of pods. */
function namespaces({ shareProcessNamespace = false, firstId }: PodKind): object {
  const pid = shareProcessNamespace ? 'POD' : 'CONTAINER';
  if (firstId === undefined) return { network: 'NODE', pid, ipc: 'POD' };
  const map = [{ host_id: firstId, container_id: 0, length: IDS }];
  const users = { mode: 'POD', uids: map, gids: map };
  return { network: 'POD', pid, ipc: 'POD', userns_options: users };
}

/** A pod, as CRI requires it described with every container. */
export interface Pod {
  readonly id: string;
  readonly config: object;
  readonly kind: PodKind;
}

/** What a container is created from. */
export interface CriContainer {
  readonly name: string;
  /** An image, or the path of a checkpoint archive. */
  readonly image: string;
  readonly command?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** State of a container, as far as tests use it. */
export interface CriStatus {
  readonly state: string;
  readonly exit_code: number;
}

/** A client of containerd's CRI plugin. */
export class CriClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(`unix://${address}`, credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  async pull(image: string): Promise<void> {
    await this.#call('ImageService', 'PullImage', { image: { image } });
  }

  /** Runs a pod. Logs of its containers go to `logs`; its cgroups below `cgroup`. */
  async runPod(
    name: string,
    {
      runtime,
      logs,
      cgroup,
      kind = {},
    }: { readonly runtime: string; logs: string; cgroup: string; kind?: PodKind },
  ): Promise<Pod> {
    const config = {
      metadata: { name, uid: name, namespace: 'tests', attempt: 0 },
      log_directory: logs,
      linux: {
        cgroup_parent: cgroup,
        security_context: { namespace_options: namespaces(kind) },
      },
    };
    const request = { config, runtime_handler: runtime };
    const answer = await this.#call('RuntimeService', 'RunPodSandbox', request);
    return { id: (answer as { pod_sandbox_id: string }).pod_sandbox_id, config, kind };
  }

  async removePod({ id }: Pod): Promise<void> {
    await this.#call('RuntimeService', 'StopPodSandbox', { pod_sandbox_id: id });
    await this.#call('RuntimeService', 'RemovePodSandbox', { pod_sandbox_id: id });
  }

  /** Creates a container; it logs to `NAME.log`. Resolves with its id. */
  async create(
    pod: Pod,
    { name, image, command = [], annotations = {} }: CriContainer,
  ): Promise<string> {
    const answer = await this.#call('RuntimeService', 'CreateContainer', {
      pod_sandbox_id: pod.id,
      sandbox_config: pod.config,
      config: {
        metadata: { name, attempt: 0 },
        image: { image },
        command,
        annotations,
        log_path: `${name}.log`,
        linux: { security_context: { namespace_options: namespaces(pod.kind) } },
      },
    });
    return (answer as { container_id: string }).container_id;
  }

  async start(id: string): Promise<void> {
    await this.#call('RuntimeService', 'StartContainer', { container_id: id });
  }

  /** Ends a container with SIGTERM, and after `timeout` seconds with SIGKILL. */
  async stop(id: string, timeout = 60): Promise<void> {
    await this.#call('RuntimeService', 'StopContainer', { container_id: id, timeout });
  }

  async remove(id: string): Promise<void> {
    await this.#call('RuntimeService', 'RemoveContainer', { container_id: id });
  }

  async status(id: string): Promise<CriStatus> {
    const answer = await this.#call('RuntimeService', 'ContainerStatus', { container_id: id });
    return (answer as { status: CriStatus }).status;
  }

  /** CPU time in nanoseconds and memory in use in bytes. */
  async stats(id: string): Promise<{ cpu: number; memory: number }> {
    const answer = await this.#call('RuntimeService', 'ContainerStats', { container_id: id });
    const { cpu, memory } = (answer as { stats: Record<string, Record<string, { value: number }>> })
      .stats;
    return {
      cpu: cpu?.['usage_core_nano_seconds']?.value ?? 0,
      memory: memory?.['working_set_bytes']?.value ?? 0,
    };
  }

  async exec(id: string, cmd: readonly string[]): Promise<{ stdout: string; code: number }> {
    const request = { container_id: id, cmd, timeout: 60 };
    const answer = (await this.#call('RuntimeService', 'ExecSync', request)) as {
      stdout: Buffer;
      exit_code: number;
    };
    return { stdout: answer.stdout.toString(), code: answer.exit_code };
  }

  /** Writes a checkpoint archive; the container keeps running. */
  async checkpoint(id: string, location: string): Promise<void> {
    const request = { container_id: id, location, timeout: 60 };
    await this.#call('RuntimeService', 'CheckpointContainer', request);
  }

  #call(service: string, method: string, request: object): Promise<object> {
    const found = (DEFINITIONS[`runtime.v1.${service}`] as unknown as Methods)[method];
    if (!found) throw new ShimError('internal', `no method ${service}.${method}`);
    const { path, requestSerialize, responseDeserialize } = found;
    const options = { deadline: Date.now() + DEADLINE_MS };
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        options,
        (error, answer) => {
          if (error === null) resolve(answer ?? {});
          else reject(refusal(method, error));
        },
      );
    });
  }
}

function refusal(
  method: string,
  error: { readonly code: number; readonly details: string },
): ShimError {
  return new ShimError(errorOf(error.code, '').kind, `${method}: ${error.details}`, {
    cause: error,
  });
}
