// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../helpers/containerd-api.js';
import type { TaskEventSeen } from './events.js';

/** Directories that containerd makes for checkpoints. */
const CHECKPOINT = /ctr?d-checkpoint\d+/;
/** Go's zero time: the first of January of the year 1. */
const ZERO_SECONDS = -62_135_596_800;

/**
 * Replaces ids, paths, pids and times by names for them: the first pid that shows up is `pid 1`, and so
 * on, and the same for the times of a process, so that what is the same in one run has to be the same in the other.
 */
export class Normalizer {
  readonly #texts: readonly (readonly [string, string])[];
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** @param texts what to replace inside of texts, and by what */
  constructor(texts: readonly (readonly [string, string])[]) {
    this.#texts = texts;
  }

  /** @param owner whose value it is: times are distinguished separately for each owner */
  value(value: unknown, owner: string, field = ''): unknown {
    if (field === 'pid') return value === 0 ? 0 : this.#name('pid', String(value));
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) {
      // Lists of lists come from steps at the same time: each has times of its own, which may be equal.
      return value.map((item: unknown, index) =>
        this.value(item, Array.isArray(item) ? `${owner} ${String(index)}`.trim() : owner),
      );
    }
    if (typeof value !== 'object' || value === null) return value;
    if (isTimestamp(value)) return this.#time(value, owner);
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, this.value(part, owner, name)]),
    );
  }

  /** @param container whose event it is, where there are several */
  event({ topic, event }: TaskEventSeen, container: string): Message {
    const owner = `${container} ${processOf(event)}`.trim();
    return { topic, ...(this.value(event, owner) as Message) };
  }

  #text(text: string): string {
    const named = this.#texts.reduce((result, [from, to]) => result.replaceAll(from, to), text);
    return named.replace(CHECKPOINT, '<checkpoint>');
  }

  /** Go's zero time is not that of an empty Timestamp, which is 1970; the same moment has the same name. */
  #time({ seconds, nanos }: Timestamp, owner: string): string {
    if (Number(seconds) === ZERO_SECONDS && nanos === 0) return 'zero time';
    if (Number(seconds) <= 0) return `${seconds}.${String(nanos)}`;
    return this.#name(`time${owner && ` of ${owner}`}`, `${seconds}.${String(nanos)}`);
  }

  #name(kind: string, value: string): string {
    const key = `${kind} ${value}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind} ${String(count)}`;
    this.#names.set(key, name);
    return name;
  }
}

interface Timestamp {
  readonly seconds: string;
  readonly nanos: number;
}

function isTimestamp(value: object): value is Timestamp {
  return 'seconds' in value && 'nanos' in value;
}

/** One line of a recording: the names and values of a message, and those of messages in it. */
export function lineOf(kind: string, message: Message): string {
  const parts = Object.entries(message).map(([name, value]) => `${name}=${textOf(value)}`);
  return [kind, ...parts].join(' ');
}

function textOf(value: unknown): string {
  return typeof value === 'string' && /^[\w/<>.:-]+$/.test(value) ? value : JSON.stringify(value);
}

/** The events process by process, each in its order; names of pids and times are taken out. */
export function withoutOrder(events: readonly Message[]): Message[] {
  const plain = events.map(({ pid, exited_at: time, ...rest }) => ({
    ...rest,
    ...(pid !== undefined && { pid: pid === 0 ? 0 : 'a pid' }),
    ...(time !== undefined && { exited_at: 'a time' }),
  })) as Message[];
  const key = (event: Message): string => processOf(event);
  return plain
    .map((event, index) => ({ event, index }))
    .sort((a, b) => key(a.event).localeCompare(key(b.event)) || a.index - b.index)
    .map(({ event }) => event);
}

/** The exec id that an event is about; empty for init. */
function processOf(event: Message): string {
  const id = (event['exec_id'] ?? event['id'] ?? '') as string;
  return id === event['container_id'] ? '' : id;
}

/** Without repeated reports of a shortage of memory: the kernel sends any number of them. */
export function withoutRepeatedOom(events: readonly Message[]): Message[] {
  const first = events.findIndex(isOom);
  return events.filter((event, index) => !isOom(event) || index === first);
}

function isOom(event: Message): boolean {
  return event['topic'] === '/tasks/oom';
}
