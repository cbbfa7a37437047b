// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { constants } from 'node:os';
import { ownPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { F, O } from '../../native/abi/index.js';
import { call, SYS } from '../../native/sys.js';

/**
 * Has the kernel kill this process when the last writing end of a pipe closes, whatever the process does
 * then (fcntl(2), F_SETSIG). Nothing may ever be written to the pipe.
 *
 * @param fd its reading end, which does not block
 * @throws ShimError `canceled` when that has happened already
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
