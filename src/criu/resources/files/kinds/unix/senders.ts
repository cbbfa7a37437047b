// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from 'node:path';
import { decodeBytes } from '../../../../../common/bytes.js';
import { SOCK, SOCKET_STATE } from '../../../../../native/abi/index.js';
import type { SkPacketEntry, UnixSkEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import { ContainerRoot } from '../../names/container-path.js';
import type { UnixDiag } from '../../sockets/sock-diag.js';

/** Bytes of an address before the name: its family. */
const FAMILY_SIZE = 2;
const LATER = 'remedy: try again later';

/** A name that a socket gets for a moment, and for a path the folder that it leads to. */
interface LentName {
  readonly name: Uint8Array;
  readonly folder?: string;
}

/** Names of sockets that have sent something, or were connected, and may have been closed since. */
export class Senders {
  readonly #context: DumpContext;
  readonly #sockets: () => ReadonlyMap<number, UnixDiag>;
  readonly #isOurs: (inode: number) => boolean;
  /** What abstract names are needed for. */
  readonly #reserved = new Map<string, 'sender' | 'peer'>();

  /** `sockets`: those of the network namespace, by inode; `isOurs`: whether the container has one of them. */
  constructor(
    context: DumpContext,
    sockets: () => ReadonlyMap<number, UnixDiag>,
    isOurs: (inode: number) => boolean,
  ) {
    this.#context = context;
    this.#sockets = sockets;
    this.#isOurs = isOurs;
  }

  /** What the entry of a packet says of the socket that has sent it; or why it cannot be restored. */
  describe(
    { type, peer }: UnixDiag,
    address: Uint8Array,
  ): Pick<SkPacketEntry, 'mvas_sender' | 'mvas_folder'> | string {
    const name = address.subarray(FAMILY_SIZE);
    if (type !== SOCK.dgram) return {}; // Nobody but the peer can have sent it.
    if (peer !== 0) {
      const isFromPeer = sameBytes(name, this.#sockets().get(peer)?.name ?? new Uint8Array());
      return isFromPeer ? {} : `unread packets of a sender that is not its peer; ${LATER}`;
    }
    if (name.length === 0) return {};
    const lent = this.#lend(type, name, () => true);
    if (name[0] === 0 && !this.#reserve(name, 'sender')) return inUse(name);
    return typeof lent === 'string' ? lent : { mvas_sender: lent.name, mvas_folder: lent.folder };
  }

  /** The same for the closed peer of a socket. */
  lost(
    type: number,
    address: Uint8Array,
  ): Pick<UnixSkEntry, 'mvas_peer_name' | 'mvas_peer_folder'> | string {
    const name = address.subarray(FAMILY_SIZE);
    if (name.length === 0) return {};
    const lent = this.#lend(type, name, ({ state }) => state === SOCKET_STATE.listen);
    if (typeof lent === 'string') return lent;
    const isFree = name[0] !== 0 || this.#holdersOf(type, name).length > 0;
    if (!isFree && !this.#reserve(name, 'peer')) return inUse(name);
    return { mvas_peer_name: lent.name, mvas_peer_folder: lent.folder };
  }

  /**
   * How a name can be given to a socket for a moment; or why it cannot. An abstract name that a socket has can only be used
   * through that, if it is suited to that.
   */
  #lend(type: number, name: Uint8Array, isSuited: (diag: UnixDiag) => boolean): LentName | string {
    if (name[0] === 0) {
      const isUsable = (one: UnixDiag): boolean => this.#isOurs(one.inode) && isSuited(one);
      return this.#holdersOf(type, name).every(isUsable) ? { name } : inUse(name);
    }
    const path = decodeBytes(name).replace(/\0.*$/s, '');
    const folder = this.#context.shared(ContainerRoot).folderAt(dirname(path));
    if (folder === undefined || basename(path) === '') {
      return `its other end had the name ${spoken(name)}, whose folder is gone or unknown; ${LATER}`;
    }
    return { name, folder };
  }

  #holdersOf(type: number, name: Uint8Array): UnixDiag[] {
    return [...this.#sockets().values()].filter(
      (one) => one.type === type && sameBytes(one.name, name),
    );
  }

  /** Whether a socket can have an abstract name for a moment: one sends everything, but each closed peer needs its own. */
  #reserve(name: Uint8Array, use: 'sender' | 'peer'): boolean {
    const key = Buffer.from(name).toString('hex');
    const known = this.#reserved.get(key);
    this.#reserved.set(key, use);
    return known === undefined || (known === 'sender' && use === 'sender');
  }
}

function inUse(name: Uint8Array): string {
  return `its other end had the name ${spoken(name)}, which another socket has; ${LATER}`;
}

function spoken(name: Uint8Array): string {
  return JSON.stringify(decodeBytes(name).replaceAll('\0', '@'));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
