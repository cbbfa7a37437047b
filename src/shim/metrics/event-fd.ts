// SPDX-License-Identifier: Apache-2.0
import { FdWatch, syscall } from '../../native/index.js';
import { check, closeFd, SYS } from '../../native/sys.js';

const FLAGS = 0o2004000; // EFD_CLOEXEC | EFD_NONBLOCK

const callbacks = new Map<number, () => void>();
/** One thread for all; created when first needed. */
let watch: FdWatch | undefined;

/** A descriptor on which the kernel signals (eventfd(2)). */
export interface EventFd {
  readonly fd: number;
  close(): void;
}

/** Creates an eventfd and calls back after each signal on it. The caller closes it. */
export function openEventFd(onSignal: () => void): EventFd {
  watch ??= new FdWatch((fd) => callbacks.get(fd)?.());
  const fd = check('make an eventfd', syscall(SYS.eventfd2, 0, FLAGS));
  callbacks.set(fd, onSignal);
  check('watch an eventfd', watch.add(fd));
  return {
    fd,
    close: () => {
      if (!callbacks.delete(fd)) return;
      watch?.remove(fd);
      closeFd(fd);
    },
  };
}
