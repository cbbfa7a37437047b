// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { receiveFd } from '../linux.js';

const HANDOVER_TIMEOUT_MS = 10_000;

/** The unix socket, in a directory of its own, on which runc sends the master of a new terminal. */
export class ConsoleSocket {
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  #connection: Socket | undefined;
  #onConnection: () => void = () => undefined;

  private constructor() {
    this.#directory = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'pty'));
    this.path = join(this.#directory, 'pty.sock');
    this.#server = createServer({ pauseOnConnect: true });
    // A runc that fails connects, too, and may be run again: the last one counts.
    this.#server.on('connection', (connection) => {
      this.#connection?.destroy();
      this.#connection = connection;
      this.#onConnection();
    });
  }

  /** Starts to listen. @throws ShimError */
  static listen(): Promise<ConsoleSocket> {
    const socket = new ConsoleSocket();
    return new Promise((resolve, reject) => {
      socket.#server.once('error', (cause) => {
        socket.close();
        reject(new ShimError('unknown', `listen for a terminal: ${cause.message}`, { cause }));
      });
      socket.#server.listen(socket.path, () => {
        resolve(socket);
      });
    });
  }

  /**
   * The master that runc has sent; runc has ended by now. The caller closes it. Closes the socket.
   *
   * @throws ShimError `deadlineExceeded` if nothing came
   */
  async receive(): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const received = new Promise<number>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ShimError('deadlineExceeded', 'runc sent no terminal'));
      }, HANDOVER_TIMEOUT_MS);
      this.#onConnection = () => {
        const fd = this.#connection && receiveFd(fdOf(this.#connection));
        if (fd !== undefined) resolve(fd);
      };
      this.#onConnection();
    });
    try {
      return await received;
    } finally {
      clearTimeout(timer);
      this.close();
    }
  }

  /** May be called repeatedly. */
  close(): void {
    this.#connection?.destroy();
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Node keeps a socket's descriptor in its handle. */
function fdOf(socket: Socket): number {
  const handle = (socket as unknown as { _handle?: { fd?: number } })._handle;
  if (handle?.fd === undefined) throw new ShimError('internal', 'a socket without a descriptor');
  return handle.fd;
}
