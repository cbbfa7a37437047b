// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { encode } from '../proto/codec.js';
import { ForwardRequest } from '../proto/messages/forward.js';
import { timestamp } from '../proto/values.js';
import type { TaskEvent } from './topics.js';

const log = logger('events');

const SERVICE = 'containerd.services.events.ttrpc.v1.Events';
const CALL_TIMEOUT_MS = 5_000;
const RETRY_STEP_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** The same when there is little time left. */
const LAST_RETRY_MS = 50;
const MAX_REFUSALS = 5;
const MAX_QUEUED = 2_048;

/** What the publisher sends through: a ttrpc client. */
export interface EventChannel {
  readonly isClosed: boolean;
  call(call: {
    service: string;
    method: string;
    payload: Uint8Array;
    timeoutMs: number;
    metadata: readonly { key: string; value: string }[];
  }): Promise<Uint8Array>;
  close(): void;
}

/** How to reach containerd. */
export interface PublisherOptions {
  readonly namespace: string;
  connect(): Promise<EventChannel>;
  /** Waits between attempts; replaced in tests. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

interface Queued {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * Sends events to containerd, strictly in order. While containerd is away they wait (beyond 2048, the oldest are
 * dropped); an event that containerd refuses five times is dropped.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #queue: Queued[] = [];
  #channel: EventChannel | undefined;
  #sending: Promise<void> | undefined;
  #isClosing = false;
  #wake: () => void = () => undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Queues an event; its time is now. */
  publish({ topic, event }: TaskEvent): void {
    const { namespace } = this.#options;
    const envelope = { timestamp: timestamp(new Date()), namespace, topic, event };
    this.#queue.push({ topic, payload: encode(ForwardRequest, { envelope }) });
    if (this.#queue.length > MAX_QUEUED) {
      log.error('event dropped: queue is full', { topic: this.#queue.shift()?.topic });
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Waits until everything has been sent, for a limited time; then closes the connection. */
  async close(timeoutMs: number): Promise<void> {
    // Holds the event loop: an event that waits for its next attempt does not, and would never get one.
    let timer: NodeJS.Timeout | undefined;
    this.#isClosing = true;
    this.#wake();
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.#sending, late]);
    clearTimeout(timer);
    this.#channel?.close();
  }

  async #sendAll(): Promise<void> {
    let refusals = 0;
    for (let attempt = 1; this.#queue.length > 0; attempt += 1) {
      const [head] = this.#queue;
      if (head === undefined) return;
      const error = await this.#send(head);
      if (error !== undefined && error.kind !== 'unavailable') refusals += 1;
      if (error === undefined || refusals >= MAX_REFUSALS) {
        if (error !== undefined)
          log.error('event dropped', { topic: head.topic, error: error.message });
        if (this.#queue[0] === head) this.#queue.shift();
        attempt = 0;
        refusals = 0;
      } else {
        log.debug('event not sent yet', { topic: head.topic, attempt, error: error.message });
        await this.#pause(Math.min(RETRY_STEP_MS * attempt, MAX_RETRY_MS));
      }
    }
  }

  /** Waits for the next attempt; less long once we are to close. */
  #pause(ms: number): Promise<void> {
    const wait = this.#options.wait ?? ((time: number) => delay(time, undefined, { ref: false }));
    return new Promise((resolve) => {
      this.#wake = resolve;
      void wait(this.#isClosing ? LAST_RETRY_MS : ms).then(() => {
        resolve();
      });
    });
  }

  /** Sends one event, over a new connection if the old one is gone; returns the error, if any. */
  async #send({ payload }: Queued): Promise<ShimError | undefined> {
    try {
      if (this.#channel === undefined || this.#channel.isClosed) {
        this.#channel = await this.#options.connect();
      }
      const metadata = [{ key: 'containerd-namespace-ttrpc', value: this.#options.namespace }];
      const call = { service: SERVICE, method: 'Forward', payload, timeoutMs: CALL_TIMEOUT_MS };
      await this.#channel.call({ ...call, metadata });
      return undefined;
    } catch (error) {
      return ShimError.from(error);
    }
  }
}
