// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { O } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { closeFd, openPidfd, SYS } from '../../native/sys.js';
import { makeAsync, register, unregister } from '../../native/userfaultfd.js';
import type { Vma } from '../procfs/maps.js';
import type { StoppedThread } from './stopped-thread.js';
import { syscallInstruction } from './syscall-page.js';

const USER_MODE_ONLY = 1;

/** Addresses of a process. */
interface Addresses {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * The kernel's record of what a process writes to (userfaultfd(2), asynchronous write protection, Linux 6.7). The
 * userfaultfd is made by the process, since it works on its creator's memory, but only we have it: no descriptor
 * and no thread is left in the process, and when our descriptor is closed, the kernel forgets everything. What the
 * process maps or moves, and the memory of processes that it forks, is not tracked.
 */
export class WriteTracking {
  readonly pid: HostPid;
  readonly #fd: number;

  private constructor(pid: HostPid, fd: number) {
    this.pid = pid;
    this.#fd = fd;
  }

  /**
   * Starts to track a process that stands still, with all of its threads, so that none of them forks with the
   * descriptor.
   *
   * @param leader its first thread
   * @param areas what it maps: its vDSO at least
   * @returns undefined where that cannot be, such as at the limit of its descriptors
   */
  static async begin(
    leader: StoppedThread,
    areas: readonly Vma[],
  ): Promise<WriteTracking | undefined> {
    const { pid } = leader;
    const instruction = syscallInstruction(leader, areas);
    const args = [O.cloexec | USER_MODE_ONLY];
    const [made = -1n] = await leader.exposedRemote(instruction, [{ nr: SYS.userfaultfd, args }]);
    if (made < 0n) return undefined;
    const fd = takeFd(pid, Number(made));
    await leader.exposedRemote(instruction, [{ nr: SYS.close, args: [made] }]);
    if (fd < 0) return undefined;
    if (makeAsync(fd) >= 0) return new WriteTracking(pid, fd);
    closeFd(fd);
    return undefined;
  }

  /** Tracks memory from its next protection on. If the kernel refuses, it is not tracked. */
  track({ start, end }: Addresses): void {
    register(this.#fd, start, end - start);
  }

  /**
   * The same of memory that may have been tracked before, somewhere else or until a neighbour moved (mremap(2)): then its
   * pages may still be marked as protected, and would never count as written to.
   */
  trackAnew({ start, end }: Addresses): void {
    if (register(this.#fd, start, end - start) < 0) return;
    unregister(this.#fd, start, end - start);
    register(this.#fd, start, end - start);
  }

  /**
   * Ends it for all memory at once, which takes tens of milliseconds for each GiB. If it ended piece by piece,
   * mremap(2) would meanwhile fail for memory that is tracked in part.
   */
  close(): void {
    closeFd(this.#fd);
  }
}

/** A copy of a descriptor of a process, or -errno. */
function takeFd(pid: HostPid, number: number): number {
  const pidfd = openPidfd(pid);
  try {
    return syscall(SYS.pidfd_getfd, pidfd, number, 0);
  } finally {
    closeFd(pidfd);
  }
}
