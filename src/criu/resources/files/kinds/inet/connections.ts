// SPDX-License-Identifier: Apache-2.0
import { IOCTL, MSG, POLL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { check, SYS } from '../../../../../native/sys.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { describeAddress, isMapped, type InetAddress } from '../../sockets/inet-address.js';
import { lookFromStart, peekOffset } from '../../sockets/peek-offset.js';
import { listConnections } from '../../sockets/sock-diag.js';
import { tcpInfo, type TcpInfo } from '../../sockets/tcp-info.js';
import { ioctlInt, pollNow } from '../../system.js';
import { MAX_QUEUED_BYTES } from './check.js';
import { isConnection } from './protocols.js';

/** TCPI_OPT_TIMESTAMPS, TCPI_OPT_SACK, TCPI_OPT_WSCALE (linux/tcp.h), which are CRIU's bits as well. */
const KEPT_OPTIONS = 7;

/** A TCP connection, or what is left of one. */
interface Connection {
  readonly file: OpenFile;
  readonly entry: InetSkEntry;
}

/**
 * TCP connections of a container. Nothing is asked of them that they would notice: what waits in a queue is left
 * where it is.
 */
export class TcpConnections {
  readonly #context: DumpContext;
  readonly #connections: Connection[] = [];
  #queuedBytes = 0;

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** Takes up a TCP socket, unless it has neither a connection nor anything left of one. */
  add(file: OpenFile, entry: InetSkEntry): void {
    if (isConnection(entry)) this.#connections.push({ file, entry });
    else if (entry.shutdown !== undefined) this.#addEnded(file, entry);
  }

  /** Once all sockets are known. */
  finish(): void {
    if (this.#connections.length === 0) return;
    const inside = this.#findInside();
    for (const connection of this.#connections) {
      const { file, entry } = connection;
      if (inside.has(connection)) {
        const to = describeAddress(peerOf(entry));
        const reason = `a TCP connection to ${to} is open; remedy: close connections before the checkpoint`;
        this.#context.refusals.add(file.where, reason);
      } else {
        this.#keep(file, entry);
      }
    }
  }

  /** What both sides have closed, or what was reset, may have data and an error left. */
  #addEnded(file: OpenFile, entry: InetSkEntry): void {
    if (hasError(file.own)) entry.mvas_reset = true;
    if (unreadOf(file.own) > 0) this.#keep(file, entry);
  }

  /** Those whose other end is in this network namespace too: in this container, or with no owner. */
  #findInside(): ReadonlySet<Connection> {
    const { init, open } = this.#context;
    const others = new Map(
      listConnections(init.pid).map(({ source, peer, inode }) => [pairKey(source, peer), inode]),
    );
    const inodes = new Set(open.files.map(({ stat }) => Number(stat.ino & 0xffffffffn)));
    return new Set(
      this.#connections.filter(({ entry }) => {
        const inode = others.get(pairKey(peerOf(entry), sourceOf(entry)));
        return inode !== undefined && (inode === 0 || inodes.has(inode));
      }),
    );
  }

  /** The state of a connection, and what it has not read. */
  #keep(file: OpenFile, entry: InetSkEntry): void {
    const unread = this.#peek(file);
    if (typeof unread === 'string') {
      this.#context.refusals.add(file.where, unread);
      return;
    }
    const stream = streamOf(tcpInfo(file.own), unread.length);
    this.#context.image.tcpStreams.set(entry.ino, { entry: stream, payload: unread });
  }

  /** What waits to be read; or why it cannot be had. */
  #peek({ own }: OpenFile): Buffer | string {
    const length = unreadOf(own);
    this.#queuedBytes += length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES)
      return 'too much unread data; remedy: try again later';
    const bytes = Buffer.alloc(length);
    if (length === 0) return bytes;
    const look = (): number =>
      syscall(SYS.recvfrom, own, bytes, length, MSG.peek | MSG.dontwait, null, null);
    const isPlain = peekOffset(own) < 0;
    const got = isPlain ? look() : lookFromStart(own, this.#context.guardOption, look);
    check('look at the queue of a connection', got);
    // It may have got more meanwhile, but not less. A read ends at urgent data (tcp(7)).
    return got === length ? bytes : 'urgent data waits in it; remedy: try again once it is read';
  }
}

/** Whether anything is left of a TCP connection that has ended: unread data, or an error. */
export function hasRest(socket: number): boolean {
  return hasError(socket) || unreadOf(socket) > 0;
}

function hasError(socket: number): boolean {
  return (pollNow(socket, 0) & POLL.err) !== 0;
}

/** Bytes that wait to be read, 0 where a connection is still being made (SIOCINQ, tcp(7)). */
function unreadOf(socket: number): number {
  return ioctlInt(socket, IOCTL.fionread) ?? 0;
}

function streamOf(info: TcpInfo, unread: number): TcpStreamEntry {
  return {
    inq_len: unread,
    inq_seq: 0,
    outq_len: 0,
    outq_seq: 0,
    opt_mask: info.options & KEPT_OPTIONS,
    snd_wscale: info.sendScale,
    rcv_wscale: info.receiveScale,
    mss_clamp: info.segment,
  };
}

function sourceOf({ src_port: port, src_addr: words }: InetSkEntry): InetAddress {
  return { port, words, scope: 0 };
}

function peerOf({ dst_port: port, dst_addr: words }: InetSkEntry): InetAddress {
  return { port, words, scope: 0 };
}

function pairKey(source: InetAddress, peer: InetAddress): string {
  return `${keyOf(source)} ${keyOf(peer)}`;
}

/** An address in words that are the same for IPv4 and for an IPv6 socket that speaks it. */
function keyOf({ port, words }: InetAddress): string {
  const plain = isMapped(words) ? words.slice(3) : words;
  return `${plain.join()}:${String(port)}`;
}
