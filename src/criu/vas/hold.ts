// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readlinkSync } from 'node:fs';
import type { HostPid, VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { AF, MSG, SOCK } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, check, closeFd, sendWithFds, SYS } from '../../native/sys.js';
import { HOLD_ACTION, HOLD_MAGIC } from '../plan/abi.js';
import { readStat } from '../procfs/reader.js';
import { connectVas, waitSocketOf } from './store.js';
import { limitWaits, unixAddress } from './holder-client.js';

/** SCM_MAX_FD. */
const MOST_AT_ONCE = 253;
const EINTR = -4;
const SOCKET_LINK = /^socket:\[(\d+)\]$/;

/** Sockets of a container that a keeper keeps open: given up with this, or by our death, unless it is completed. */
export class Hold {
  readonly #connections: number[] = [];

  /**
   * Has a keeper take copies of sockets, which remain the caller's.
   *
   * @throws ShimError `resourceExhausted` if it cannot take all
   */
  static take(waitSocket: string, sockets: readonly number[]): Hold {
    const hold = new Hold();
    try {
      for (let start = 0; start < sockets.length; start += MOST_AT_ONCE) {
        hold.#take(waitSocket, sockets.slice(start, start + MOST_AT_ONCE));
      }
      return hold;
    } catch (error) {
      hold.cut();
      throw error;
    }
  }

  #take(waitSocket: string, sockets: readonly number[]): void {
    const connection = connect(waitSocket);
    this.#connections.push(connection);
    if (ask(connection, HOLD_ACTION.take, sockets) === sockets.length) return;
    const message = `keep TCP connections: the keeper cannot hold ${String(sockets.length)} more`;
    throw new ShimError('resourceExhausted', message);
  }

  /** They stay open until somebody asks the keeper to let go. */
  complete(): void {
    for (const connection of this.#connections) {
      syscall(SYS.sendto, connection, Buffer.of(1), 1, MSG.nosignal, null, 0);
    }
    this.cut();
  }

  /** The keeper closes its copies. A second call does nothing. */
  cut(): void {
    for (const connection of this.#connections.splice(0)) closeFd(connection);
  }
}

/** Sockets that the keeper of a VAS holds. */
export interface HeldSockets {
  readonly keeper: HostPid;
  /** Its descriptors, by the low half of the socket's inode, which is what images have. */
  readonly byInode: ReadonlyMap<number, number>;
}

/** Finds what the keeper of a VAS holds. Its own sockets are among them. */
export async function findHeld(id: VasId): Promise<HeldSockets> {
  const holder = connectVas(id);
  const { pid } = await holder.status().finally(() => {
    holder.close();
  });
  const keeper = readStat(pid).ppid;
  const folder = `/proc/${String(keeper)}/fd`;
  const byInode = new Map<number, number>();
  for (const name of readdirSync(folder)) {
    const [, inode] = SOCKET_LINK.exec(linkOf(`${folder}/${name}`)) ?? [];
    if (inode !== undefined) byInode.set(Number(BigInt(inode) & 0xffffffffn), Number(name));
  }
  return { keeper, byInode };
}

/** Has the keeper of a VAS close all sockets that it holds; returns how many there were. */
export function letGoOfHeld(id: VasId): number {
  const connection = connect(waitSocketOf(id));
  try {
    return ask(connection, HOLD_ACTION.letGo, []);
  } finally {
    closeFd(connection);
  }
}

/** A descriptor may be closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function connect(waitSocket: string): number {
  const socket = call('make a socket', SYS.socket, AF.unix, SOCK.stream | SOCK.cloexec, 0);
  try {
    const address = unixAddress(waitSocket);
    limitWaits(socket);
    call(`connect to the keeper at ${waitSocket}`, SYS.connect, socket, address, address.length);
    return socket;
  } catch (error) {
    closeFd(socket);
    throw error;
  }
}

/** Sends a `struct mvas_hold_request`; returns how many sockets were taken, or let go. */
function ask(connection: number, action: number, sockets: readonly number[]): number {
  const request = Buffer.alloc(8);
  request.writeUInt32LE(HOLD_MAGIC, 0);
  request.writeUInt32LE(action, 4);
  sendWithFds(connection, request, sockets);
  const answer = Buffer.alloc(4);
  const receive = (): number =>
    syscall(SYS.recvfrom, connection, answer, answer.length, 0, null, null);
  let got = receive();
  // A signal, such as that of a child's end, interrupts a wait that is limited, SA_RESTART or not (signal(7)).
  while (got === EINTR) got = receive();
  check('hear from the keeper', got);
  return got === answer.length ? answer.readInt32LE(0) : 0;
}
