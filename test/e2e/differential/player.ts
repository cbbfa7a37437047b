// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../../../src/common/errors.js';
import {
  decodeMessage,
  encodeMessage,
  type ContainerdApi,
  type Message,
} from '../../helpers/containerd-api.js';
import type { PrivateContainerd } from '../../helpers/containerd.js';
import { findByArgument } from '../../helpers/procfs.js';
import { until } from '../../helpers/run.js';
import { CRIU_TAR } from '../../helpers/tasks-client.js';
import type { EventFeed } from './events.js';
import { shapeOfMetrics } from './metrics-shape.js';
import { lineOf, Normalizer, withoutOrder, withoutRepeatedOom } from './record.js';
import type { ProcessRequest, Scenario, Step } from './scenario.js';
import { containerSpec, IDLE_PROCESS, overlay, processSpec } from './spec.js';
import { ProcessStreams } from './streams.js';

/** Containers of the same value share a shim. */
const POD_ANNOTATION = 'io.containerd.runc.v2.group';
const SPEC = 'types.containerd.io/opencontainers/runtime-spec/1';

/** Where scenarios are played. */
export interface Stage {
  readonly containerd: PrivateContainerd;
  readonly api: ContainerdApi;
  readonly events: EventFeed;
  /** A root filesystem, which all containers share. */
  readonly rootfs: string;
}

/** What one run of a scenario showed. */
export interface Played {
  /** Steps, events and output, without what differs between any two runs. */
  readonly recording: readonly string[];
  /** The words of the errors, which are not compared. */
  readonly errors: readonly string[];
}

/** Plays a scenario with a runtime, in a container of its own, of which nothing is left afterwards. */
export async function play(stage: Stage, scenario: Scenario, runtime: string): Promise<Played> {
  const player = new Player(stage, scenario);
  await player.open(runtime);
  const steps: unknown[] = [];
  for (const step of scenario.steps) steps.push(await player.step(step));
  await player.end();
  return { recording: await player.finish(steps), errors: player.allErrors };
}

let played = 0;

/** One container, and a client that plays steps on it. */
class Player {
  readonly errors: string[] = [];
  readonly #stage: Stage;
  readonly #scenario: Scenario;
  readonly #id: string;
  readonly #directory: string;
  /** Streams of each process, by what it is called in the recording: an exec id may be used again. */
  readonly #streams = new Map<string, ProcessStreams>();
  readonly #begun = new Map<string, Promise<unknown>>();
  readonly #annotations: Message;
  /** The pod's other container. */
  readonly #beside: Player | undefined;
  /** Descriptor of the last checkpoint. */
  #image: Message | null = null;
  #places = 0;

  constructor(stage: Stage, scenario: Scenario, pod?: string) {
    this.#stage = stage;
    this.#scenario = scenario;
    played += 1; // since the random part is too short for so many
    this.#id = stage.containerd.uniqueId(`${scenario.idPart ?? 'scene'}-${String(played)}`);
    this.#directory = join(stage.containerd.directory, 'io', this.#id);
    const isPod = scenario.isPod ?? false;
    this.#annotations = isPod ? { [POD_ANNOTATION]: pod ?? this.#id } : {};
    if (isPod && pod === undefined) this.#beside = new Player(stage, scenario, this.#id);
  }

  get allErrors(): readonly string[] {
    return [...this.errors, ...(this.#beside?.errors ?? [])];
  }

  /** Makes the container; it has no task yet. */
  async open(runtime: string): Promise<void> {
    const { api } = this.#stage;
    await mkdir(this.#directory, { recursive: true });
    const spec = { type_url: `${SPEC}/Spec`, value: Buffer.from(this.#spec()) };
    const container = { id: this.#id, runtime: { name: runtime }, spec };
    await api.call('containers.Containers', 'Create', { container });
    await this.#openStreams('', this.#init);
    await this.#beside?.open(runtime);
  }

  /** Does one step; its answer or error. */
  async step(step: Step): Promise<unknown> {
    try {
      return await this.#do(step);
    } catch (error) {
      const { kind, message } = ShimError.from(error);
      this.errors.push(message);
      return { name: nameOf(step), error: kind };
    }
  }

  /** Removes tasks and containers in any state. */
  async end(): Promise<void> {
    await this.#beside?.remove();
    await this.remove();
    await until(`all processes of ${this.#id}'s shim to end`, async () => {
      return (await findByArgument(this.#id)).length === 0;
    });
  }

  async remove(): Promise<void> {
    const { api } = this.#stage;
    const task = { container_id: this.#id };
    const tasks = (method: string, more: Message = {}): Promise<Message | undefined> =>
      api.call('tasks.Tasks', method, { ...task, ...more }).catch(() => undefined);
    if ((await tasks('Get')) !== undefined) {
      await tasks('Kill', { signal: 9, all: true });
      await tasks('Wait');
      await tasks('Delete');
    }
    await api.call('containers.Containers', 'Delete', { id: this.#id });
  }

  /** What was seen, after the end. */
  async finish(steps: readonly unknown[]): Promise<string[]> {
    const players = this.#beside === undefined ? [this] : [this, this.#beside];
    const names = new Normalizer([
      ...players.map((player, index) => [player.#id, index === 0 ? '<id>' : '<other>'] as const),
      [this.#stage.containerd.directory, '<directory>'],
    ]);
    const answers = steps.map((answer, index) => {
      const owner = ownerOf(this.#scenario.steps[index], this.#scenario.steps);
      return lineOf('step', names.value(answer, owner) as Message);
    });
    const seen: string[] = [];
    for (const player of players) {
      seen.push(...(await player.#seen(names, player === this ? '' : 'beside')));
    }
    return [...answers, ...seen];
  }

  /** Events and output of this container. */
  async #seen(names: Normalizer, container: string): Promise<string[]> {
    const all = await this.#stage.events.of(this.#id);
    const events = all.map((event) => names.event(event, container));
    const isUnordered = this.#scenario.isUnordered ?? false;
    const told = withoutRepeatedOom(isUnordered ? withoutOrder(events) : events);
    const output: string[] = [];
    const byName = [...this.#streams].sort(([a], [b]) => a.localeCompare(b));
    for (const [execId, streams] of byName) {
      output.push(lineOf(`output ${execId}`.trim(), await streams.finish()));
    }
    await rm(this.#directory, { recursive: true });
    return [...told.map((event) => lineOf('event', event)), ...output];
  }

  async #do(step: Step): Promise<unknown> {
    switch (step.do) {
      case 'call':
        return { name: nameOf(step), ...(await this.#call(step.method, step.request)) };
      case 'exec':
        return { name: nameOf(step), ...(await this.#exec(step.execId, step.process)) };
      case 'read':
        await this.#streamsOf(step.execId).read(step.stream, step.until);
        return { name: nameOf(step) };
      case 'write':
        await this.#streamsOf(step.execId).write(step.text);
        return { name: nameOf(step) };
      case 'hangUp':
        await this.#streamsOf(step.execId).hangUp();
        return { name: nameOf(step) };
      case 'cgroup':
        return { name: nameOf(step), content: await this.#cgroupFile(step.controller, step.file) };
      case 'metrics':
        return { name: nameOf(step), ...(await this.#metrics()) };
      case 'begin':
        this.#begun.set(step.name, this.step(step.step));
        return { name: nameOf(step) };
      case 'end':
        return await this.#begun.get(step.name);
      case 'checkpoint':
        return { name: nameOf(step), ...(await this.#checkpoint(step.exit)) };
      case 'restore':
        return { name: nameOf(step), ...(await this.#call('Create', { checkpoint: this.#image })) };
      case 'beside':
        return { ...((await this.#beside?.step(step.step)) as Message), name: nameOf(step) };
      case 'atOnce':
        return { name: nameOf(step), all: await Promise.all(step.steps.map((s) => this.#all(s))) };
    }
  }

  async #all(steps: readonly Step[]): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const step of steps) answers.push(await this.step(step));
    return answers;
  }

  async #call(method: string, request: Message): Promise<Message> {
    const more = method === 'Create' ? this.#createRequest() : {};
    const whole = { container_id: this.#id, ...more, ...request };
    const answer = await this.#stage.api.call('tasks.Tasks', method, whole);
    return method === 'ListPids' ? processes(answer) : answer;
  }

  #createRequest(): Message {
    const { terminal = false } = this.#init;
    return { ...this.#streamsOf('').paths, terminal, rootfs: this.#scenario.rootfs ?? this.#usual };
  }

  async #exec(execId: string, request: ProcessRequest): Promise<Message> {
    const streams = await this.#openStreams(execId, request);
    const value = Buffer.from(JSON.stringify(processSpec(request)));
    return await this.#stage.api.call('tasks.Tasks', 'Exec', {
      container_id: this.#id,
      exec_id: execId,
      terminal: request.terminal ?? false,
      spec: { type_url: `${SPEC}/Process`, value },
      ...streams.paths,
    });
  }

  async #checkpoint(exit: boolean): Promise<Message> {
    const value = encodeMessage('CheckpointOptions', { exit });
    const options = { type_url: 'containerd.runc.v1.CheckpointOptions', value };
    const { descriptors } = await this.#call('Checkpoint', { options });
    const types = (descriptors as Message[]).map((descriptor) => descriptor['media_type']);
    this.#image = (descriptors as Message[])[types.indexOf(CRIU_TAR)] ?? null;
    return { types };
  }

  async #metrics(): Promise<Message> {
    const filters = [`id==${this.#id}`];
    const { metrics } = await this.#stage.api.call('tasks.Tasks', 'Metrics', { filters });
    return { metrics: (metrics as Message[]).map(({ data }) => shapeOfMetrics(data as Message)) };
  }

  async #cgroupFile(controller: string, file: string): Promise<string> {
    const { namespace } = this.#stage.containerd;
    return await readFile(join('/sys/fs/cgroup', controller, namespace, this.#id, file), 'utf8');
  }

  async #openStreams(execId: string, request: ProcessRequest): Promise<ProcessStreams> {
    const place = String(this.#places);
    this.#places += 1; // before anything is waited for: others may be opened meanwhile
    const name = this.#streams.has(execId) ? `${execId} again, ${place}` : execId;
    const streams = await ProcessStreams.open(join(this.#directory, place), request);
    this.#streams.set(name, streams);
    return streams;
  }

  #streamsOf(execId: string): ProcessStreams {
    const streams = this.#streams.get(execId);
    if (!streams) throw new ShimError('internal', `no process ${execId} was asked for`);
    return streams;
  }

  #spec(): string {
    const { spec = {} } = this.#scenario;
    if (typeof spec === 'string') return spec;
    const cgroupsPath = `/${this.#stage.containerd.namespace}/${this.#id}`;
    const usual = { ...containerSpec(this.#init, cgroupsPath), annotations: this.#annotations };
    return JSON.stringify(overlay(usual, spec));
  }

  get #init(): ProcessRequest {
    return this.#scenario.process ?? IDLE_PROCESS;
  }

  get #usual(): Message[] {
    return [{ type: 'bind', source: this.#stage.rootfs, options: ['rbind', 'rw'] }];
  }
}

/** The exec id that the answer of a step is about. */
function ownerOf(step: Step | undefined, all: readonly Step[]): string {
  if (step?.do === 'end') {
    const begun = all.find((other) => other.do === 'begin' && other.name === step.name);
    return begun?.do === 'begin' ? ownerOf(begun.step, all) : '';
  }
  if (step?.do === 'beside') return `beside ${ownerOf(step.step, all)}`.trim();
  return step?.do === 'call' ? ((step.request['exec_id'] ?? '') as string) : '';
}

/** Processes with the exec ids of those that were asked for, in the order of their pids. */
function processes(answer: Message): Message {
  const list = answer['processes'] as { pid: number; info: { value: Buffer } | null }[];
  const readable = list.map(({ pid, info }) => ({
    pid,
    ...(info && { details: decodeMessage('ProcessDetails', info.value) }),
  }));
  return { processes: readable.sort((a, b) => a.pid - b.pid) };
}

function nameOf(step: Step): string {
  if (step.do === 'call') {
    const { exec_id: execId = '' } = step.request;
    return execId === '' ? step.method : `${step.method} ${String(execId)}`;
  }
  if (step.do === 'beside') return `beside ${nameOf(step.step)}`;
  const what = 'execId' in step ? step.execId : 'name' in step ? step.name : '';
  return what === '' ? step.do : `${step.do} ${what}`;
}
