// SPDX-License-Identifier: Apache-2.0
import { asHostPid, ownPid } from '../../../../../common/ids.js';
import { F, MSG, O, POLL, SO, SOCK, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { check, closeFd, SYS } from '../../../../../native/sys.js';
import type { SkPacketEntry } from '../../../../image/types.js';
import { readFdinfo } from '../../../../procfs/reader.js';
import { MAX_CONTENT_BYTES, type DumpContext } from '../../dump-context.js';
import { isInFlight, type OpenFile } from '../../open-file.js';
import {
  CONTROL_ROOM,
  parseControl,
  type ControlMessages,
} from '../../sockets/control-messages.js';
import { lookFromStart, peekOffset } from '../../sockets/peek-offset.js';
import { setNow } from '../../sockets/set-now.js';
import type { UnixDiag } from '../../sockets/sock-diag.js';
import { getOption } from '../../sockets/get-option.js';
import { fcntl, fcntlInto, MessageHeader, pollNow } from '../../system.js';
import { pidfdProcess } from '../pidfd.js';

const EAGAIN = -11;
const EFAULT = -14;
const MAX_MESSAGE = 1 << 20;
/** F_SEAL_FUTURE_WRITE. */
const FUTURE_WRITE = 0x10;
const MAX_MESSAGES = 100_000;
/** A remedy for what waits in a queue. */
export const RECEIVE = 'remedy: try again once it is received';

export const GONE_SENDER = 'messages of a process that has ended, or is outside the container,';

/** Who has sent a message, as the entry of a packet says it. */
type Sender = Pick<SkPacketEntry, 'mvas_pid' | 'mvas_uid' | 'mvas_gid'>;

/** A message, or a piece of a stream. */
export interface Packet {
  readonly payload: Uint8Array;
  /** The address of the socket that has sent it. */
  readonly sender: Uint8Array;
  readonly rights: readonly OpenFile[];
  readonly credentials: Sender;
}

/** Reads the queues of unix sockets, each once. What is read stays there. */
export class UnixQueues {
  readonly #context: DumpContext;
  readonly #known = new Map<OpenFile, Packet[] | string>();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** Everything unread in a socket; or why it cannot be read. Files in flight become known open files. */
  read(file: OpenFile, diag: UnixDiag): Packet[] | string {
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    const packets = hasUnread(file.own, diag) ? new Look(this.#context, file, diag).packets() : [];
    this.#known.set(file, packets);
    return packets;
  }
}

/** Why a queue cannot be read. */
class Unreadable extends Error {}

/** A look at the queue of one socket. */
class Look {
  readonly #context: DumpContext;
  readonly #file: OpenFile;
  readonly #diag: UnixDiag;
  /** Whether receivers are told who has sent a message (SO_PASSCRED, SO_PASSPIDFD). */
  readonly #tellsSender: boolean;
  readonly #buffer: Buffer;

  constructor(context: DumpContext, file: OpenFile, diag: UnixDiag) {
    this.#context = context;
    this.#file = file;
    this.#diag = diag;
    // More than there is: a look that fills it would have descriptors of what comes next.
    this.#buffer = Buffer.alloc(Math.max(MAX_MESSAGE, diag.receiveQueue + 1));
    this.#tellsSender = [SO.passCred, SO.passPidfd].some(
      (option) => getOption(file.own, SOL.socket, option) === 1,
    );
  }

  packets(): Packet[] | string {
    const { own } = this.#file;
    if (peekOffset(own) < 0 && !this.#tellsSender) {
      const packet = peekStream(own, this.#diag);
      if (packet) return [packet];
    }
    if (this.#diag.peer === 0 && lostPeer(own)?.isReset === true) {
      return 'ECONNRESET waits in it, and unread data; remedy: try again once it is read, or close it';
    }
    if (this.#diag.receiveQueue > MAX_CONTENT_BYTES)
      return 'too much unread data; remedy: try again later';
    try {
      return lookFromStart(own, this.#context.guardOption, () => this.#peekAll());
    } catch (error) {
      if (error instanceof Unreadable) return error.message;
      throw error;
    }
  }

  /** Message by message; each peek moves the offset on. */
  #peekAll(): Packet[] {
    const packets: Packet[] = [];
    const isStream = this.#diag.type === SOCK.stream;
    for (let at = 0; packets.length < MAX_MESSAGES;) {
      const message = new MessageHeader(this.#buffer, CONTROL_ROOM);
      const length = message.receive(this.#file.own, PEEK);
      if (length === EAGAIN || (length === 0 && this.#endsByNothing()) || isUnconnected(length)) {
        return packets;
      }
      check('look at the queue of a socket', length);
      const packet = this.#packet(message, length);
      packets.push(...(isStream ? this.#parted(packet, at) : [packet]));
      at += length;
    }
    throw new Unreadable('too many unread packets; remedy: try again later');
  }

  /** Nothing marks the end of a stream; nor of sequenced packets once no more can arrive (unix(7)). */
  #endsByNothing(): boolean {
    const { type, shutdown } = this.#diag;
    return type === SOCK.stream || (type === SOCK.seqpacket && (shutdown & 1) !== 0);
  }

  #packet(message: MessageHeader, length: number): Packet {
    const control = parseControl(message.controls);
    const isWhole = (message.flags & MSG.ctrunc) === 0;
    const rights = control.rights.map((own) => this.#context.open.adopt(own, this.#file));
    try {
      if (!isWhole) {
        throw new Unreadable(
          `more descriptors (SCM_RIGHTS) wait in its queue than this process may open; ${RECEIVE}`,
        );
      }
      for (const one of rights) checkInFlight(one);
      return {
        payload: Uint8Array.from(this.#buffer.subarray(0, length)),
        sender: message.sender,
        rights,
        credentials: this.#tellsSender ? this.#sender(control) : {},
      };
    } finally {
      if (control.pidfd !== undefined) closeFd(control.pidfd);
    }
  }

  #sender({ credentials, pidfd }: ControlMessages): Sender {
    const pid = asHostPid(credentials?.pid ?? (pidfd === undefined ? 0 : pidOf(pidfd)));
    if (pid === 0) return { mvas_pid: 0 }; // Nobody asked for it when the message was sent.
    const process = this.#context.processes.find((one) => one.pid === pid);
    if (!process) {
      throw new Unreadable(`${GONE_SENDER} wait in its queue, with credentials; ${RECEIVE}`);
    }
    const { uid, gid } = process.proc.status();
    return {
      mvas_pid: process.nsPid,
      mvas_uid: credentials?.uid ?? uid.real,
      mvas_gid: credentials?.gid ?? gid.real,
    };
  }

  /**
   * A look ends behind the piece of a stream that descriptors came with, but may begin with bytes that were sent before that
   * piece, and that can be received without them.
   */
  #parted(packet: Packet, at: number): Packet[] {
    const { payload, rights } = packet;
    const before =
      rights.length > 0 && payload.length > 1 ? this.#piecesBefore(at, payload.length) : 0;
    if (before === 0) return [packet];
    return [
      { ...packet, payload: payload.subarray(0, before), rights: [] },
      { ...packet, payload: payload.subarray(before) },
    ];
  }

  /**
   * How many bytes come before the last piece of so many bytes of a stream. Where memory is missing, recvmsg(2) ends
   * with the last piece for which there is enough (unix_stream_read_generic, net/unix/af_unix.c). A shorter buffer does not tell:
   * a look that fills it already has the descriptors of the next piece.
   */
  #piecesBefore(at: number, length: number): number {
    const offset = [SOL.socket, SO.peekOff] as const;
    setNow(this.#file.own, offset, at);
    const room = this.#buffer.subarray(0, length - 1);
    const got = new MessageHeader(room, 0, 1).receive(this.#file.own, PEEK);
    setNow(this.#file.own, offset, at + length);
    return got === EFAULT ? 0 : check('look at a stream', got);
  }
}

const PEEK = MSG.peek | MSG.dontwait | MSG.cmsgCloexec;

/** What a file that no descriptor table has must not have. */
function checkInFlight(file: OpenFile): void {
  if (!isInFlight(file)) return;
  const what = (words: string): Unreadable =>
    new Unreadable(`${file.link} waits in its queue (SCM_RIGHTS) and ${words}; ${RECEIVE}`);
  if (file.info.locks.length > 0) throw what('holds a lock or a lease');
  if (file.flags & O.path) return;
  const owner = Buffer.alloc(8);
  fcntlInto(file.own, F.getownEx, owner);
  const hasOwner = owner.readInt32LE(4) !== 0 || fcntl(file.own, F.getsig) > 0;
  if (hasOwner || file.flags & O.async) throw what('sends signals (F_SETOWN)');
  const seals = fcntl(file.own, F.getSeals);
  if (seals > 0 && seals & FUTURE_WRITE) throw what('is sealed (F_SEAL_FUTURE_WRITE)');
}

function pidOf(pidfd: number): number {
  return pidfdProcess(readFdinfo(ownPid(), pidfd))?.pid ?? -1;
}

/** Whether anything may wait in a socket. For types other than streams, empty messages count. */
function hasUnread(socket: number, { type, receiveQueue }: UnixDiag): boolean {
  return type === SOCK.stream ? receiveQueue > 0 : (pollNow(socket, POLL.in) & POLL.in) !== 0;
}

/** All of a stream at once, without an offset; undefined if it does not come in one piece. */
function peekStream(socket: number, { type, receiveQueue: length }: UnixDiag): Packet | undefined {
  if (type !== SOCK.stream || length === 0 || length > MAX_CONTENT_BYTES) return undefined;
  const message = new MessageHeader(Buffer.alloc(length), 0);
  const got = message.receive(socket, MSG.peek | MSG.dontwait);
  if (got !== length || message.flags & MSG.ctrunc) return undefined;
  return { payload: message.buffer, sender: message.sender, rights: [], credentials: {} };
}

/** EINVAL and ENOTCONN: a stream socket that was never connected has no queue. */
function isUnconnected(result: number): boolean {
  return result === -22 || result === -107;
}

/** What is left of the peer of a connected socket if it has been closed. */
interface LostPeer {
  /** Its address. */
  readonly name: Uint8Array;
  /** Whether ECONNRESET waits for the next call (unix_release_sock, net/unix/af_unix.c). */
  readonly isReset: boolean;
}

/** The closed peer of a socket that sock_diag shows none of; undefined if it is not connected. */
export function lostPeer(socket: number): LostPeer | undefined {
  const name = Buffer.alloc(128);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(name.length);
  if (syscall(SYS.getpeername, socket, name, size) < 0) return undefined;
  const isReset = (pollNow(socket, POLL.err) & POLL.err) !== 0;
  return { name: Uint8Array.from(name.subarray(0, size.readUInt32LE(0))), isReset };
}
