// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { call, closeFd, openPidfd, SYS } from '../../native/sys.js';
import { syscall } from '../../native/index.js';
import { REQUEST_MAGIC } from '../plan/abi.js';

/** How a process ended. */
export interface Exit {
  /** As a shell counts it: exit code, or 128 + signal; 255 if it is unknown. */
  readonly status: number;
  readonly at: Date;
}

const UNKNOWN_STATUS = 255;
const POLL_MS = 20;
const log = logger('restore');
/** `_IOWR(0xFF, 11, struct pidfd_info)` with its first 64 bytes (linux/pidfd.h, Linux 6.13). */
const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_EXIT = 1n << 3n;
const PIDFD_INFO_SIZE = 64;
const EXIT_CODE_OFFSET = 60;

/** The exit status of a shell from a wait status. */
export function shellStatus(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

/** Watches a restored init, by its VAS's socket. Never rejects: if its exit cannot be watched, it is unknown. */
export function exitOf(waitSocket: string, pid: HostPid): Promise<Exit> {
  return watchExit(waitSocket, pid).catch((error: unknown) => {
    log.error('the exit of a restored container cannot be watched', { pid, error: String(error) });
    return { status: UNKNOWN_STATUS, at: new Date() };
  });
}

/**
 * Watches a child of a keeper. A pidfd is held from the start, so that the status is not lost if the keeper dies
 * (it is known then from Linux 6.15 on).
 */
export async function watchExit(waitSocket: string, pid: HostPid): Promise<Exit> {
  const pidfd = openPidfd(pid);
  try {
    const told = await askKeeper(waitSocket, pid);
    if (told !== undefined) return { status: shellStatus(told), at: new Date() };
    while (syscall(SYS.pidfd_send_signal, pidfd, 0, null, 0) === 0) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return { status: exitOfPidfd(pidfd), at: new Date() };
  } finally {
    closeFd(pidfd);
  }
}

function exitOfPidfd(pidfd: number): number {
  const info = Buffer.alloc(PIDFD_INFO_SIZE);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  try {
    call('ask a pidfd', SYS.ioctl, pidfd, PIDFD_GET_INFO, info);
  } catch {
    return UNKNOWN_STATUS;
  }
  const isKnown = (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) !== 0n;
  return isKnown ? shellStatus(info.readInt32LE(EXIT_CODE_OFFSET)) : UNKNOWN_STATUS;
}

/** The wait status that the keeper reports; undefined if it cannot. */
function askKeeper(path: string, pid: HostPid): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const request = Buffer.alloc(8);
    request.writeUInt32LE(REQUEST_MAGIC, 0);
    request.writeInt32LE(pid, 4);
    let answer = Buffer.alloc(0);
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const status = answer.length >= 8 ? answer.readInt32LE(4) : -1;
      resolve(status < 0 ? undefined : status);
    });
  });
}
