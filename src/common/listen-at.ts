// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerOpts } from 'node:net';
import { dirname, join } from 'node:path';
import { ShimError } from './errors.js';

const BACKLOG = 512;

/**
 * Listens on a socket at a path, replacing what is there. The server knows the socket by another name: Node removes
 * the name it knows when it closes a server, and by then the name may belong to another process.
 */
export async function listenAt(path: string, options: ServerOpts = {}): Promise<Server> {
  const temporary = join(dirname(path), `.${process.pid}`);
  rmSync(temporary, { force: true }); // Left by a process with our pid that was killed right here.
  const server = createServer(options);
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new ShimError('unavailable', `listen on ${path}: ${cause.message}`, { cause }));
      });
      server.listen({ path: temporary, backlog: BACKLOG }, resolve);
    });
  } finally {
    process.umask(before);
  }
  renameSync(temporary, path);
  server.removeAllListeners('error');
  return server;
}
