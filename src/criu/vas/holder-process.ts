// SPDX-License-Identifier: Apache-2.0
import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { AF, SOCK } from '../../native/abi/index.js';
import { startChild } from '../../native/children.js';
import { builtFile } from '../../native/index.js';
import { call, closeFd, SYS } from '../../native/sys.js';
import { unixAddress, type HolderClient } from './holder-client.js';
import type { Lifeline } from './lifeline.js';

const BACKLOG = 64;

const EXECUTABLE = builtFile('mvas-holder');

/** Names of the sockets in a VAS's directory. */
export const CONTROL_SOCKET = 'ctl.sock';
export const WAIT_SOCKET = 'wait.sock';

function listenOn(path: string, type: number): number {
  const socket = call('make a socket', SYS.socket, AF.unix, type | SOCK.cloexec, 0);
  const address = unixAddress(path);
  try {
    call(`bind ${path}`, SYS.bind, socket, address, address.length);
    chmodSync(path, 0o600);
    call(`listen on ${path}`, SYS.listen, socket, BACKLOG);
    return socket;
  } catch (error) {
    closeFd(socket);
    throw error;
  }
}

/** Makes the sockets in a directory (0700, ours), and has them served. */
async function withSockets<T>(
  directory: string,
  work: (control: number, wait: number) => T | Promise<T>,
): Promise<T> {
  const control = listenOn(join(directory, CONTROL_SOCKET), SOCK.seqpacket);
  const wait = listenOn(join(directory, WAIT_SOCKET), SOCK.stream);
  try {
    return await work(control, wait);
  } finally {
    closeFd(control);
    closeFd(wait);
  }
}

/**
 * Starts a keeper and its holder, which serve the sockets in a directory (0700, ours). They outlive us once their
 * lifeline says so.
 *
 * @returns pid of the keeper
 */
export async function startHolder(directory: string, lifeline: Lifeline): Promise<HostPid> {
  return await withSockets(directory, (control, wait) => {
    const fds = [null, null, null, control, wait, lifeline.keepersEnd];
    try {
      return startChild({ file: EXECUTABLE, args: [], env: {}, fds, isDaemon: true }).pid;
    } catch (cause) {
      throw new ShimError('internal', `start ${EXECUTABLE}: ${String(cause)}`, { cause });
    }
  });
}

/**
 * The same, where the holder starts as a fork of another one. The keeper is no child of ours.
 *
 * @returns pid of the keeper
 * @throws ShimError if the other holder has ended, or cannot fork
 */
export async function forkHolder(
  directory: string,
  lifeline: Lifeline,
  other: HolderClient,
): Promise<HostPid> {
  return await withSockets(directory, async (control, wait) => {
    const executable = openSync(EXECUTABLE, 'r');
    try {
      const { keeper } = await other.heir([control, wait, lifeline.keepersEnd, executable]);
      return keeper;
    } finally {
      closeSync(executable);
    }
  });
}
