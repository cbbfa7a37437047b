// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../src/common/errors.js';
import { NetnsConnection } from './netns-connection.js';

/** A reply of RESP2 (redis.io, protocol specification). */
export type Reply = string | number | null | readonly Reply[];

/** A client of a Redis inside a container, one command at a time. */
export class RedisClient {
  readonly #connection: NetnsConnection;

  private constructor(connection: NetnsConnection) {
    this.#connection = connection;
  }

  /** Connects to the Redis in the network namespace of `pid`, waiting until it listens. */
  static async open(pid: number, port: number, timeoutMs?: number): Promise<RedisClient> {
    return new RedisClient(await NetnsConnection.open(pid, port, timeoutMs));
  }

  /** A client that will {@link enter} the network namespace of a Redis which may not be there yet. */
  static async prepare(port: number): Promise<RedisClient> {
    return new RedisClient(await NetnsConnection.prepare(port));
  }

  /** Connects in the network namespace of `pid`, for a client that was prepared. */
  enter(pid: number): void {
    this.#connection.enter(pid);
  }

  /** Sends a command and resolves with its reply; an error reply rejects with `unknown`. */
  async command(...words: readonly (string | number)[]): Promise<Reply> {
    const parts = words.map((word) => String(word));
    const body = parts.map((part) => `$${String(Buffer.byteLength(part))}\r\n${part}\r\n`).join('');
    this.#connection.write(`*${String(parts.length)}\r\n${body}`);
    return await this.#connection.read((bytes) => parseReply(bytes, 0));
  }

  close(): void {
    this.#connection.close();
  }
}

/** Parses the reply that begins at `at`: its value and the offset after it; undefined if cut off. */
export function parseReply(bytes: Buffer, at: number): readonly [Reply, number] | undefined {
  const eol = bytes.indexOf('\r\n', at);
  if (eol < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, eol);
  const next = eol + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '+':
      return [line, next];
    case ':':
      return [Number(line), next];
    case '$':
      return parseBulk(bytes, next, Number(line));
    case '*':
      return parseArray(bytes, next, Number(line));
    default:
      throw new ShimError('unknown', `redis answered: ${bytes.toString('utf8', at, eol)}`);
  }
}

function parseBulk(
  bytes: Buffer,
  at: number,
  length: number,
): readonly [Reply, number] | undefined {
  if (length < 0) return [null, at];
  if (bytes.length < at + length + 2) return undefined;
  return [bytes.toString('utf8', at, at + length), at + length + 2];
}

function parseArray(
  bytes: Buffer,
  at: number,
  count: number,
): readonly [Reply, number] | undefined {
  const items: Reply[] = [];
  let offset = at;
  for (let index = 0; index < count; index++) {
    const item = parseReply(bytes, offset);
    if (!item) return undefined;
    items.push(item[0]);
    offset = item[1];
  }
  return [items, offset];
}
