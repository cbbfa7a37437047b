// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { asHostPid, type HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { AF, SOCK } from '../../native/abi/index.js';
import { builtFile } from '../../native/index.js';
import { call, closeFd, SYS } from '../../native/sys.js';
import { unixAddress } from './holder-client.js';
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

/**
 * Starts a keeper and its holder, which serve the sockets in a directory (0700, ours). They outlive us once their
 * lifeline says so.
 *
 * @returns pid of the keeper
 */
export async function startHolder(directory: string, lifeline: Lifeline): Promise<HostPid> {
  const control = listenOn(join(directory, CONTROL_SOCKET), SOCK.seqpacket);
  const wait = listenOn(join(directory, WAIT_SOCKET), SOCK.stream);
  try {
    const child = spawn(EXECUTABLE, [], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', control, wait, lifeline.keepersEnd],
    });
    const pid = await new Promise<HostPid>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => {
        resolve(asHostPid(child.pid ?? 0));
      });
    });
    child.unref();
    return pid;
  } catch (cause) {
    throw new ShimError('internal', `start ${EXECUTABLE}: ${String(cause)}`, { cause });
  } finally {
    closeFd(control);
    closeFd(wait);
  }
}
