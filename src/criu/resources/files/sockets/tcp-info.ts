// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { check, SYS } from '../../../../native/sys.js';

const TCP_INFO = 11;
/** Up to tcpi_bytes_retrans, which Linux 4.19 brought. */
const SIZE = 216;
const ANSWER = Buffer.alloc(SIZE);
const LENGTH = Buffer.alloc(4);

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
  const info = ANSWER.fill(0);
  LENGTH.writeUInt32LE(SIZE);
  check('get TCP_INFO', syscall(SYS.getsockopt, socket, SOL.tcp, TCP_INFO, info, LENGTH));
  const scales = info.readUInt8(6);
  return {
    state: info.readUInt8(0),
    options: info.readUInt8(5),
    sendScale: scales & 15,
    receiveScale: scales >> 4,
    segment: info.readUInt32LE(16),
    pending: info.readUInt32LE(24),
    backlog: info.readUInt32LE(28),
    received: info.readBigUInt64LE(128),
    sent: info.readBigUInt64LE(200) - info.readBigUInt64LE(208),
    notSent: info.readUInt32LE(144),
  };
}
