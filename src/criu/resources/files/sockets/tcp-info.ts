// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { check, SYS } from '../../../../native/sys.js';

const TCP_INFO = 11;
/** Up to tcpi_bytes_retrans, which Linux 4.19 brought. */
const SIZE = 216;
const ANSWER = new Int32Array(SIZE / 4);
const ANSWER_BYTES = Buffer.from(ANSWER.buffer);
const LENGTH = Buffer.alloc(4);
const TWO_32 = 2 ** 32;
/** Where `struct tcp_info` has a field, in ints. */
const FIELD = { segment: 4, pending: 6, backlog: 7, received: 32, notSent: 36 } as const;
const SENT = { all: 50, again: 52 } as const;

/** What the kernel tells of a TCP socket (`struct tcp_info`, linux/tcp.h). */
export interface TcpInfo {
  /** TCP_* state. */
  readonly state: number;
  /** Of a listening socket: connections that wait, and how many may. */
  readonly pending: number;
  readonly backlog: number;
  /** Shift counts of window scaling. */
  readonly sendScale: number;
  readonly receiveScale: number;
  /** TCPI_OPT_* bits. */
  readonly options: number;
  /** Bytes of the largest segment it sends. */
  readonly segment: number;
  /** Bytes that it has sent, each counted once. */
  readonly sent: bigint;
  /** Bytes that it was given and has not sent yet; the end of the stream counts as one. */
  readonly notSent: number;
  /** Bytes that came in order; the end of the stream counts as one. */
  readonly received: bigint;
}

/** Asks for TCP_INFO; throws on failure. */
export function tcpInfo(socket: number): TcpInfo {
  ANSWER.fill(0);
  LENGTH.writeUInt32LE(SIZE);
  check('get TCP_INFO', syscall(SYS.getsockopt, socket, SOL.tcp, TCP_INFO, ANSWER_BYTES, LENGTH));
  return parseTcpInfo(ANSWER, 0);
}

/** Reads a `struct tcp_info` that begins at an int. */
export function parseTcpInfo(ints: Int32Array, at: number): TcpInfo {
  const int = (field: number): number => (ints[at + field] ?? 0) >>> 0;
  const long = (field: number): number => int(field + 1) * TWO_32 + int(field);
  const scales = (int(1) >>> 16) & 255;
  return {
    state: int(0) & 255,
    options: (int(1) >>> 8) & 255,
    sendScale: scales & 15,
    receiveScale: scales >> 4,
    segment: int(FIELD.segment),
    pending: int(FIELD.pending),
    backlog: int(FIELD.backlog),
    received: BigInt(long(FIELD.received)),
    sent: BigInt(long(SENT.all) - long(SENT.again)),
    notSent: int(FIELD.notSent),
  };
}
