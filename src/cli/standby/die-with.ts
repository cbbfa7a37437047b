// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { constants } from 'node:os';
import { ownPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { F, O } from '../../native/abi/index.js';
import { call, SYS } from '../../native/sys.js';

/**
 * Makes the kernel kill this process when the last write end of a pipe closes, whatever the process is
 * doing (fcntl(2), F_SETSIG). Nothing may ever be written to the pipe.
 *
 * @param fd its read end, non-blocking
 * @throws ShimError `canceled` if it has closed already
 */
export function dieWith(fd: number): void {
  const what = 'watch the launcher';
  call(what, SYS.fcntl, fd, F.setown, ownPid());
  call(what, SYS.fcntl, fd, F.setsig, constants.signals.SIGKILL);
  call(what, SYS.fcntl, fd, F.setfl, O.nonblock | O.async);
  if (isAtEnd(fd)) throw new ShimError('canceled', `${what}: it has ended`);
}

function isAtEnd(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch {
    return false; // EAGAIN
  }
}
