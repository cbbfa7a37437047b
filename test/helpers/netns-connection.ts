// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../../src/common/errors.js';
import { compiled } from './compiled.js';
import { REPOSITORY } from './paths.js';
import { until } from './run.js';

const SOURCE = join(REPOSITORY, 'test/helpers/netns-tcp.c');
let built: Promise<string> | undefined;

/**
 * A TCP connection to 127.0.0.1 inside the network namespace of a process, held by a small helper
 * process, so that containers that run side by side may listen on the same port.
 */
export class NetnsConnection {
  readonly #child: ChildProcessWithoutNullStreams;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;
  #complaint = '';

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (data: Buffer) => (this.#complaint += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
    child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Starts to connect, and resolves at once: the helper process retries for `timeoutMs`. */
  static async open(pid: number, port: number, timeoutMs?: number): Promise<NetnsConnection> {
    const connection = await NetnsConnection.prepare(port, timeoutMs);
    connection.enter(pid);
    return connection;
  }

  /** Starts the helper process, which waits for {@link enter}. */
  static async prepare(port: number, timeoutMs = 60_000): Promise<NetnsConnection> {
    return new NetnsConnection(spawn(await netnsTool(), [String(port), String(timeoutMs)]));
  }

  /** Starts to connect in the network namespace of `pid`. Call it once. */
  enter(pid: number): void {
    this.write(`${String(pid)}\n`);
  }

  /** Sends bytes. */
  write(data: string | Buffer): void {
    this.#child.stdin.write(data);
  }

  /** Says that no more bytes follow. */
  end(): void {
    this.#child.stdin.end();
  }

  /**
   * Waits until `parse` makes something of the bytes received so far: it returns the value and how
   * many bytes it used up, or undefined if it needs more. Rejects with `unavailable` at the end.
   */
  async read<T>(
    parse: (bytes: Buffer, ended: boolean) => readonly [T, number] | undefined,
  ): Promise<T> {
    for (;;) {
      const parsed = parse(this.#received, this.#ended);
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed[1]);
        return parsed[0];
      }
      if (this.#ended) {
        const why = this.#complaint.trim() || 'the peer closed the connection';
        throw new ShimError('unavailable', `read from the container: ${why}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Drops the connection. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The program that makes and uses them; compiled if the cache does not have it. */
export async function netnsTool(): Promise<string> {
  return await (built ??= compiled('netns-tcp', [SOURCE]));
}

/**
 * Waits until no TCP connection is left in the network namespace of a process: a server learns a
 * moment later than its client that a connection was closed.
 */
export async function quiet(pid: number): Promise<void> {
  await until(`pid ${String(pid)} to have no TCP connection`, async () => {
    const lines = (await readFile(`/proc/${String(pid)}/net/tcp`, 'utf8'))
      .trim()
      .split('\n')
      .slice(1);
    const open = lines.filter((line) => {
      const [, , , state, , , , , , inode] = line.trim().split(/\s+/);
      return state !== '0A' && inode !== '0'; // neither listening nor closed and timing out
    });
    return open.length === 0;
  });
}

/** GET of a path inside the container; resolves with the body of a 200 answer. */
export async function httpGet(pid: number, port: number, path = '/'): Promise<string> {
  const connection = await NetnsConnection.open(pid, port);
  try {
    connection.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const answer = await connection.read((bytes, ended) =>
      ended && bytes.length > 0 ? ([bytes.toString(), bytes.length] as const) : undefined,
    );
    const split = answer.indexOf('\r\n\r\n');
    if (!answer.startsWith('HTTP/1.1 200 ')) {
      throw new ShimError('unavailable', `GET ${path}: ${answer.split('\r\n', 1)[0] ?? ''}`);
    }
    return answer.slice(split + 4);
  } finally {
    connection.close();
  }
}
