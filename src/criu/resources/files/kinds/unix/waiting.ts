// SPDX-License-Identifier: Apache-2.0
import { IOCTL, S_IF } from '../../../../../native/abi/index.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import type { UnixDiag } from '../../sockets/sock-diag.js';
import { ioctlInt } from '../../system.js';

const ACCEPT = 'remedy: try again once it is accepted';

/** Where a connection waits to be accepted. */
type Place = Required<Pick<UnixSkEntry, 'mvas_listener' | 'mvas_turn'>>;

/** Connections that listening unix sockets of the container have not accepted yet. */
export class WaitingUnix {
  readonly #context: DumpContext;
  readonly #sockets: () => ReadonlyMap<number, UnixDiag>;
  /** By inode of the client. */
  #places: ReadonlyMap<number, Place> | undefined;

  /** `sockets`: those of the network namespace, by inode. */
  constructor(context: DumpContext, sockets: () => ReadonlyMap<number, UnixDiag>) {
    this.#context = context;
    this.#sockets = sockets;
  }

  /** Where the connection of a client waits; undefined if it does not. */
  placeOf({ inode }: UnixDiag): Place | undefined {
    this.#places ??= this.#findPlaces();
    return this.#places.get(inode);
  }

  /** Why the connections that wait in a listening socket cannot be kept; undefined if they can. */
  problem(listener: OpenFile, { waiting, receiveQueue }: UnixDiag): string | undefined {
    if (waiting.length !== receiveQueue) {
      return 'connections wait to be accepted; remedy: try again once they are';
    }
    for (const inode of waiting) {
      const problem = this.#problemOf(inode, listener);
      if (problem !== undefined) return `a connection waits to be accepted, ${problem}; ${ACCEPT}`;
    }
    return undefined;
  }

  /** What a client has sent lies in the queue of an end that nobody has a descriptor of. */
  #problemOf(inode: number, { stat: { dev } }: OpenFile): string | undefined {
    if (inode === 0) return 'which its client has closed';
    const [client] = this.#context.open.ofInode({ dev, ino: BigInt(inode) });
    if (!client) return 'whose client is outside the container';
    const unread = ioctlInt(client.own, IOCTL.outQueue) ?? 1;
    return unread > 0 ? 'with data that cannot be read before' : undefined;
  }

  #findPlaces(): ReadonlyMap<number, Place> {
    const places = new Map<number, Place>();
    for (const { id, type, stat } of this.#context.open.files) {
      if (type !== S_IF.sock) continue;
      const waiting = this.#sockets().get(Number(stat.ino))?.waiting ?? [];
      waiting.forEach((inode, turn) => places.set(inode, { mvas_listener: id, mvas_turn: turn }));
    }
    places.delete(0);
    return places;
  }
}
