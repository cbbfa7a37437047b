// SPDX-License-Identifier: Apache-2.0
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { listenAt } from '../../common/listen-at.js';
import { withDirectoryLock } from '../../native/directory-lock.js';

/** A server that listens on a socket which only root can use. */
export interface Listening {
  readonly server: Server;
  /** Removes the socket, unless it has been replaced. */
  readonly unlink: () => void;
}

/**
 * Listens on a socket (0600). What a killed service has left is replaced.
 *
 * @throws ShimError `alreadyExists` if somebody answers there, or it is no socket
 */
export async function claimSocket(path: string): Promise<Listening> {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return await withDirectoryLock(directory, async () => {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there && !there.isSocket()) {
      throw new ShimError('alreadyExists', `listen on ${path}: it is there, and is no socket`);
    }
    if (there && (await isAnswered(path))) {
      const remedy = 'remedy: end that one, or take another socket (--socket)';
      throw new ShimError('alreadyExists', `listen on ${path}: another service does; ${remedy}`);
    }
    const server = await listenAt(path);
    const { ino } = lstatSync(path);
    const unlink = (): void => {
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
    };
    return { server, unlink };
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', () => {
      end(false);
    });
  });
}
