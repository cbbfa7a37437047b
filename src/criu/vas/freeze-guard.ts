// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroup } from '../../common/cgroup.js';
import { AF, MSG, SOCK } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, closeFd, sendWithFds, SYS } from '../../native/sys.js';
import { GUARD_MAGIC } from '../plan/abi.js';
import { limitWaits, unixAddress } from './holder-client.js';

const MESSAGE_SIZE = 8;

/**
 * A keeper's watch over a container that was found frozen and has to be thawed to be traced: should
 * this process die, the keeper freezes the container again, within about a millisecond.
 */
export class FreezeGuard {
  #socket: number;

  private constructor(socket: number) {
    this.#socket = socket;
  }

  /** Arms a guard. `waitSocket` is that of the keeper (see store.ts). */
  static arm(waitSocket: string, cgroup: Cgroup): FreezeGuard {
    const name = cgroup.version === 1 ? 'freezer.state' : 'cgroup.freeze';
    const file = openSync(join(cgroup.directory, name), 'r+');
    const socket = call('make a socket', SYS.socket, AF.unix, SOCK.stream | SOCK.cloexec, 0);
    try {
      const address = unixAddress(waitSocket);
      limitWaits(socket);
      call(`connect to the keeper at ${waitSocket}`, SYS.connect, socket, address, address.length);
      sendWithFds(socket, message(cgroup.version), [file]);
      return new FreezeGuard(socket);
    } catch (error) {
      closeFd(socket);
      throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Ends the watch; a second time does nothing. A keeper that has died is no error: it watches no more. */
  disarm(): void {
    if (this.#socket < 0) return;
    syscall(SYS.sendto, this.#socket, message(0), MESSAGE_SIZE, MSG.nosignal, null, 0);
    closeFd(this.#socket);
    this.#socket = -1;
  }
}

function message(version: number): Buffer {
  const bytes = Buffer.alloc(MESSAGE_SIZE);
  bytes.writeUInt32LE(GUARD_MAGIC, 0);
  bytes.writeInt32LE(version, 4);
  return bytes;
}
