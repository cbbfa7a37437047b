// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { ContainerdApi, Message } from '../../helpers/containerd-api.js';
import { REPOSITORY } from '../../helpers/paths.js';

/** An event about a task, decoded. */
export interface TaskEventSeen {
  readonly topic: string;
  readonly event: Message;
}

interface Envelope {
  readonly topic: string;
  readonly event: { readonly type_url: string; readonly value: Buffer };
}

const MARK_TOPIC = '/differential/mark';
const DEFINITIONS = loadSync('events/task.proto', {
  includeDirs: [join(REPOSITORY, 'proto')],
  keepCase: true,
  longs: String,
  defaults: true,
});

/** containerd's events, as a subscriber sees them, by container. */
export class EventFeed {
  readonly #api: ContainerdApi;
  readonly #stream: ClientReadableStream<Message>;
  readonly #seen: TaskEventSeen[] = [];
  readonly #marks = new Map<string, () => void>();

  private constructor(api: ContainerdApi) {
    this.#api = api;
    this.#stream = api.stream('events.Events', 'Subscribe', {});
    this.#stream.on('data', (envelope: unknown) => {
      this.#take(envelope as Envelope);
    });
    this.#stream.on('error', () => undefined); // the end of the test; a lost feed shows as a missing mark
  }

  /** Subscribes; resolves when the subscription holds. */
  static async open(api: ContainerdApi): Promise<EventFeed> {
    const feed = new EventFeed(api);
    await feed.#mark('open', 20);
    return feed;
  }

  /**
   * The events of a container so far. Their publishers must have received containerd's answer: what was published
   * before the mark comes before it.
   */
  async of(containerId: string): Promise<TaskEventSeen[]> {
    await this.#mark(containerId);
    return this.#seen.filter(({ event }) => event['container_id'] === containerId);
  }

  close(): void {
    this.#stream.cancel();
  }

  /** Publishes an event of our own and waits for it; with `again`, repeats that at this interval, in milliseconds. */
  async #mark(name: string, again?: number): Promise<void> {
    const event = { type_url: name, value: Buffer.alloc(0) };
    const publish = (): Promise<unknown> =>
      this.#api.call('events.Events', 'Publish', { topic: MARK_TOPIC, event });
    const arrived = new Promise<void>((resolve) => this.#marks.set(name, resolve));
    const timer = again === undefined ? undefined : setInterval(() => void publish(), again);
    await publish();
    await arrived;
    clearInterval(timer);
  }

  #take({ topic, event }: Envelope): void {
    if (topic === MARK_TOPIC) this.#marks.get(event.type_url)?.();
    if (!topic.startsWith('/tasks/')) return;
    const type = DEFINITIONS[event.type_url] as MessageTypeDefinition<Message, Message> | undefined;
    if (!type) return;
    this.#seen.push({ topic, event: type.deserialize(event.value) });
  }
}
