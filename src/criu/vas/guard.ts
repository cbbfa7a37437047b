// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroup } from '../../common/cgroup.js';
import { assertInvariant } from '../../common/errors.js';
import { AF, MSG, SOCK } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, closeFd, sendWithFds, SYS } from '../../native/sys.js';
import { GUARD, GUARD_ACTION, GUARD_MAGIC, GUARD_SIZE } from '../plan/abi.js';
import { limitWaits, unixAddress } from './holder-client.js';

/** What to do with a descriptor. */
export type GuardOrder =
  /** Writes to a file until its content begins with that; at most 12 bytes. */
  | { readonly write: string }
  /** Sets an int option of a socket. */
  | { readonly level: number; readonly option: number; readonly value: number };

/** A keeper's promise to put something back if this process dies, within about a millisecond. */
export class Guard {
  #socket: number;

  private constructor(socket: number) {
    this.#socket = socket;
  }

  /** Arms a guard. `waitSocket` is the keeper's (see store.ts); `fd` remains the caller's. */
  static arm(waitSocket: string, fd: number, order: GuardOrder): Guard {
    const socket = call('make a socket', SYS.socket, AF.unix, SOCK.stream | SOCK.cloexec, 0);
    try {
      const address = unixAddress(waitSocket);
      limitWaits(socket);
      call(`connect to the keeper at ${waitSocket}`, SYS.connect, socket, address, address.length);
      sendWithFds(socket, encodeOrder(order), [fd]);
      return new Guard(socket);
    } catch (error) {
      closeFd(socket);
      throw error;
    }
  }

  /** Has a cgroup frozen again that was found frozen and has to be thawed to be traced. */
  static frozen(waitSocket: string, { version, directory }: Cgroup): Guard {
    const [name, write] = version === 1 ? ['freezer.state', 'FROZEN'] : ['cgroup.freeze', '1'];
    const file = openSync(join(directory, name), 'r+');
    try {
      return Guard.arm(waitSocket, file, { write });
    } finally {
      closeSync(file);
    }
  }

  /** Ends the watch; a second call does nothing. A dead keeper is not an error: it no longer watches. */
  disarm(): void {
    if (this.#socket < 0) return;
    syscall(SYS.sendto, this.#socket, Buffer.of(1), 1, MSG.nosignal, null, 0);
    closeFd(this.#socket);
    this.#socket = -1;
  }
}

/** Has a cgroup frozen again, if this process dies, that is thawed while its processes are held. */
export class FreezeGuard {
  readonly #waitSocket: string;
  readonly #cgroup: Cgroup;
  #guard: Guard | undefined;

  /** `waitSocket` is the keeper's (see store.ts). */
  constructor(waitSocket: string, cgroup: Cgroup) {
    this.#waitSocket = waitSocket;
    this.#cgroup = cgroup;
  }

  /** Begins the watch. A second call does nothing. */
  readonly arm = (): void => {
    this.#guard ??= Guard.frozen(this.#waitSocket, this.#cgroup);
  };

  /** Ends it; see {@link Guard.disarm}. */
  disarm(): void {
    this.#guard?.disarm();
  }
}

/** A `struct mvas_guard_request`. */
function encodeOrder(order: GuardOrder): Buffer {
  const request = Buffer.alloc(GUARD_SIZE);
  const isWrite = 'write' in order;
  const bytes = isWrite ? Buffer.from(order.write) : Buffer.from(Int32Array.of(order.value).buffer);
  assertInvariant(bytes.length <= GUARD_SIZE - GUARD.bytes, 'an order of a guard is short');
  request.writeUInt32LE(GUARD_MAGIC, GUARD.magic);
  request.writeUInt32LE(isWrite ? GUARD_ACTION.write : GUARD_ACTION.option, GUARD.action);
  if (!isWrite) {
    request.writeInt32LE(order.level, GUARD.level);
    request.writeInt32LE(order.option, GUARD.option);
  }
  request.writeUInt32LE(bytes.length, GUARD.size);
  bytes.copy(request, GUARD.bytes);
  return request;
}
