// SPDX-License-Identifier: Apache-2.0
import { asHostPid } from '../../../../../common/ids.js';
import { IOCTL, S_IF, SO, SOL } from '../../../../../native/abi/index.js';
import {
  learnKernel,
  unixQueueBehind,
  UnreadableKernel,
  type KernelView,
  type UnixPiece,
} from '../../../../../native/kernel/index.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import { MAX_CONTENT_BYTES, type DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { getOption } from '../../sockets/get-option.js';
import type { UnixDiag } from '../../sockets/sock-diag.js';
import { ioctlInt } from '../../system.js';
import { GONE_SENDER, type Packet } from './queues.js';

const ACCEPT = 'remedy: try again once it is accepted';

/** Where a connection waits to be accepted. */
type Place = Required<Pick<UnixSkEntry, 'mvas_listener' | 'mvas_turn'>>;

/** As which a piece counts at least. */
const PIECE_OVERHEAD = 1024;
const NO_NAME = new Uint8Array();

/** Connections that listening unix sockets of the container have not accepted yet. */
export class WaitingUnix {
  readonly #context: DumpContext;
  readonly #sockets: () => ReadonlyMap<number, UnixDiag>;
  /** By inode of the client. */
  #places: ReadonlyMap<number, Place> | undefined;
  #bytes = 0;
  /** The container's open files, by where the kernel keeps them. */
  #files: ReadonlyMap<bigint | undefined, OpenFile> | undefined;
  readonly #queues = new Map<OpenFile, Packet[] | string>();

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
      const problem = this.#problemOf(inode, listener) ?? this.#rightsProblem(inode, listener);
      if (problem !== undefined) return `a connection waits to be accepted, ${problem}; ${ACCEPT}`;
    }
    return undefined;
  }

  /** What a client has sent, which lies in the queue of an end that nobody has a descriptor of; or why it cannot be kept. */
  sentBy(client: OpenFile): Packet[] | string {
    const known = this.#queues.get(client);
    if (known !== undefined) return known;
    const hasSent = (ioctlInt(client.own, IOCTL.outQueue) ?? 1) > 0;
    const packets = hasSent ? this.#look(client) : [];
    this.#queues.set(client, packets);
    return packets;
  }

  #problemOf(inode: number, { stat: { dev } }: OpenFile): string | undefined {
    if (inode === 0) return 'which its client has closed';
    const client = this.#clientOf(inode, dev);
    if (!client) return 'whose client is outside the container';
    const sent = this.sentBy(client);
    return typeof sent === 'string' ? sent : undefined;
  }

  /** What nobody may send to it any more, had been sent before. */
  #rightsProblem(inode: number, { own, stat: { dev } }: OpenFile): string | undefined {
    const client = this.#clientOf(inode, dev);
    const sent = client ? this.sentBy(client) : [];
    if (typeof sent === 'string' || !sent.some(({ rights }) => rights.length > 0)) return undefined;
    const isRefused = getOption(own, SOL.socket, SO.passRights) === 0;
    return isRefused
      ? 'with descriptors that it does not take any more (SO_PASSRIGHTS)'
      : undefined;
  }

  #clientOf(inode: number, dev: bigint): OpenFile | undefined {
    return this.#context.open.ofInode({ dev, ino: BigInt(inode) })[0];
  }

  #look(client: OpenFile): Packet[] | string {
    const kernel = learnKernel(() => true);
    if (this.#bytes > MAX_CONTENT_BYTES) return 'with too much data';
    try {
      if (kernel) return this.#packetsOf(kernel, unixQueueBehind(kernel, client.own));
    } catch (error) {
      if (!(error instanceof UnreadableKernel)) throw error;
    }
    return 'with data that cannot be read before';
  }

  #packetsOf(kernel: KernelView, pieces: readonly UnixPiece[]): Packet[] | string {
    const packets: Packet[] = [];
    for (const { payload, files, isSigned, ...from } of pieces) {
      this.#bytes += payload.length + PIECE_OVERHEAD;
      if (this.#bytes > MAX_CONTENT_BYTES) return 'with too much data';
      const rights = files.map((file) => this.#openFile(kernel, file));
      if (!isWhole(rights)) return 'with descriptors (SCM_RIGHTS) that are open nowhere else';
      const sender = this.#context.processes.find(({ pid }) => pid === asHostPid(from.pid));
      if (isSigned && !sender) return `with ${GONE_SENDER}`;
      const credentials = sender
        ? { mvas_pid: sender.nsPid, mvas_uid: from.uid, mvas_gid: from.gid }
        : {};
      packets.push({ payload, sender: NO_NAME, rights, credentials });
    }
    return packets;
  }

  #openFile({ objects }: KernelView, address: bigint): OpenFile | undefined {
    if (!this.#files) {
      const addresses = objects.openFiles();
      this.#files = new Map(this.#context.open.files.map((one) => [addresses[one.own], one]));
    }
    return this.#files.get(address);
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

function isWhole(files: readonly (OpenFile | undefined)[]): files is readonly OpenFile[] {
  return !files.includes(undefined);
}
