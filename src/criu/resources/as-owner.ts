// SPDX-License-Identifier: Apache-2.0
import { PR } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, SYS } from '../../native/sys.js';

/** SECBIT_NO_SETUID_FIXUP: changing ids does not affect the capabilities (capabilities(7)). */
const NO_SETUID_FIXUP = 1 << 2;

/**
 * Runs synchronous work whose new files belong to a user and a group. A file system of a user namespace refuses those of ids
 * that the namespace does not have, as those of the host's root. All rights are kept.
 */
export function asOwner<T>(uid: number, gid: number, work: () => T): T {
  if (uid === 0 && gid === 0) return work();
  const bits = call('read securebits', SYS.prctl, PR.getSecurebits, 0, 0, 0, 0);
  const dumpable = call('read dumpable', SYS.prctl, PR.getDumpable, 0, 0, 0, 0);
  call('keep capabilities', SYS.prctl, PR.setSecurebits, bits | NO_SETUID_FIXUP, 0, 0, 0);
  const become = (user: number, group: number): void => {
    // These return the previous id, never an error.
    syscall(SYS.setfsgid, group);
    syscall(SYS.setfsuid, user);
  };
  become(uid, gid);
  try {
    return work();
  } finally {
    become(0, 0);
    call('restore securebits', SYS.prctl, PR.setSecurebits, bits, 0, 0, 0);
    // A change of ids takes this away.
    syscall(SYS.prctl, PR.setDumpable, dumpable, 0, 0, 0);
  }
}
