// SPDX-License-Identifier: Apache-2.0
import { F } from './abi/index.js';
import { syscall } from './index.js';
import { closeFd, SYS } from './sys.js';

/** The number of a descriptor for which there is room in 64 KiB. */
const LAST = 8191;

/**
 * Makes room in this process's table of descriptors. The kernel doubles a table that is full, and waits until no other
 * thread can be looking at the old one (RCU), which takes 10 to 40 ms each time; if there is no other thread, it need not wait.
 * Does nothing where the limit of open files is lower.
 */
export function makeRoomForDescriptors(): void {
  const fd = syscall(SYS.fcntl, 0, F.dupfdCloexec, LAST);
  if (fd >= 0) closeFd(fd);
}
