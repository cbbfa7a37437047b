// SPDX-License-Identifier: Apache-2.0
import { IOCTL, MSG, SO, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { check, SYS } from '../../../../../native/sys.js';
import type { DumpContext, GuardOption } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { lookFromStart, peekOffset } from '../../sockets/peek-offset.js';
import { getOption } from '../../sockets/get-option.js';
import { setNow } from '../../sockets/set-now.js';
import { tcpInfo, type TcpInfo } from '../../sockets/tcp-info.js';
import { REPAIR, REPAIR_OFF, REPAIR_QUEUE, QUEUE } from '../../sockets/tcp-repair-options.js';
import { ioctlInt } from '../../system.js';
import { MAX_QUEUED_BYTES } from './check.js';
import type { Connection, WaitingClient } from './waiting-connections.js';
import { hasSentEnd, receivesNoMore } from './protocols.js';

/** SIOCOUTQ: bytes that the other end has not acknowledged (tcp(7)). */
const SIOCOUTQ = 0x5411;
/** How often the queues may change while they are read. */
const TRIES = 20;
const NOTHING = Buffer.alloc(0);
const UNREADABLE =
  'waits to be accepted, with data that cannot be read before; remedy: try again once it is accepted';
const TOO_MUCH = 'too much unread data; remedy: try again later';
const IN_MOTION = 'its queues do not come to rest; remedy: try again later';

/** What one end of a connection has sent: bytes that the other has not read yet, and those that it has not got. */
export interface OneWay {
  readonly unread: Buffer;
  readonly unsent: Buffer;
}

/** Reads what connections have in their queues, and leaves it there. A string is the reason why it cannot be read. */
export class TcpQueues {
  readonly #guardOption: GuardOption;
  #bytes = 0;

  constructor(context: DumpContext) {
    this.#guardOption = context.guardOption;
  }

  /** What waits to be read, so many bytes if that is known. */
  unread({ own }: OpenFile, length = unreadBytes(own)): Buffer | string {
    if (length === 0) return NOTHING;
    if (!this.#take(length)) return TOO_MUCH;
    const bytes = Buffer.allocUnsafeSlow(length);
    const look = (): number =>
      syscall(SYS.recvfrom, own, bytes, length, MSG.peek | MSG.dontwait, null, null);
    const isPlain = peekOffset(own) < 0;
    const got = isPlain ? look() : lookFromStart(own, this.#guardOption, look);
    check('look at the queue of a connection', got);
    // It may have received more meanwhile, but not less. A read ends at urgent data (tcp(7)).
    return got === length ? bytes : 'urgent data waits in it; remedy: try again once it is read';
  }

  /**
   * What is on its way from one end to the other. Both stand still, but the kernel goes on sending: what `sender`
   * has written in all does not change, so it is divided by what `receiver` had received when it was read. If that is
   * all of it, nothing is on its way any more, nor was when bytes to read were counted.
   */
  between(sender: Connection, receiver: Connection): OneWay | string {
    if (writtenBy(sender.info) !== receivedBy(receiver.info)) {
      return this.#inMotion(sender.file, receiver.file);
    }
    const unread = this.unread(receiver.file, receiver.look.unread);
    return typeof unread === 'string' ? unread : { unread, unsent: NOTHING };
  }

  #inMotion(sender: OpenFile, receiver: OpenFile): OneWay | string {
    for (let tries = 0; tries < TRIES; tries++) {
      const info = tcpInfo(receiver.own);
      const unread = this.unread(receiver);
      if (typeof unread === 'string') return unread;
      if (tcpInfo(receiver.own).received === info.received) {
        const unsent = this.#unsentAfter(sender.own, receivedBy(info));
        if (unsent) return { unread, unsent };
      }
      this.#bytes -= unread.length;
    }
    return IN_MOTION;
  }

  /** Everything that a client has sent to an end that nobody has accepted: what has arrived there, and the rest. */
  sentBy({ file }: Connection, { hasData, arrived }: WaitingClient): Buffer | string {
    for (let tries = 0; tries < TRIES; tries++) {
      const there = hasData || tries > 0 ? arrived() : NOTHING;
      if (there === undefined) return UNREADABLE;
      if (!this.#take(there.length)) return TOO_MUCH;
      const rest = this.#unsentAfter(file.own, BigInt(there.length));
      if (rest) return Buffer.concat([there, rest]);
      this.#bytes -= there.length;
    }
    return IN_MOTION;
  }

  /** Everything that was written after so many bytes; undefined if the counters and the queue do not agree. */
  #unsentAfter(sender: number, received: bigint): Buffer | undefined {
    const length = Number(writtenBy(tcpInfo(sender)) - received);
    if (length === 0) return NOTHING;
    if (length < 0 || length > unacknowledged(sender) || !this.#take(length)) return undefined;
    const queue = peekSendQueue(sender, this.#guardOption);
    return queue.length >= length ? queue.subarray(queue.length - length) : undefined;
  }

  #take(length: number): boolean {
    this.#bytes += length;
    return this.#bytes <= MAX_QUEUED_BYTES;
  }
}

/** Bytes that wait to be read, 0 while a connection is still being made (SIOCINQ, tcp(7)). */
export function unreadBytes(socket: number): number {
  return ioctlInt(socket, IOCTL.fionread) ?? 0;
}

/** Bytes that were ever written; the end of the stream, if it has not been sent, counts as one. */
function writtenBy({ sent, notSent, state }: TcpInfo): bigint {
  const isEndUnsent = notSent > 0 && hasSentEnd(state);
  return sent + BigInt(notSent) - (isEndUnsent ? 1n : 0n);
}

/** Bytes that ever came in order, without the end of the stream. */
function receivedBy({ received, state }: TcpInfo): bigint {
  return received - (receivesNoMore(state) ? 1n : 0n);
}

function unacknowledged(socket: number): number {
  return ioctlInt(socket, SIOCOUTQ) ?? 0;
}

/**
 * The queue of what is not acknowledged. It can be seen in repair mode only, which lasts for some microseconds and
 * which the keeper ends if we do not. Repair mode clears SO_REUSEADDR.
 */
function peekSendQueue(socket: number, guardOption: GuardOption): Buffer {
  const bytes = Buffer.alloc(unacknowledged(socket));
  const reuse = getOption(socket, SOL.socket, SO.reuseAddr) ?? 0;
  const [level, option] = REPAIR;
  const guard = guardOption(socket, { level, option, value: REPAIR_OFF });
  try {
    setNow(socket, REPAIR, 1);
    setNow(socket, REPAIR_QUEUE, QUEUE.send);
    const flags = MSG.peek | MSG.dontwait;
    const got = syscall(SYS.recvfrom, socket, bytes, bytes.length, flags, null, null);
    return bytes.subarray(0, Math.max(got, 0));
  } finally {
    setNow(socket, REPAIR, REPAIR_OFF);
    if (reuse !== 0) setNow(socket, [SOL.socket, SO.reuseAddr], reuse);
    guard.disarm();
  }
}
