// SPDX-License-Identifier: Apache-2.0
import { syscall } from '../../../native/index.js';
import { closeFd, cString, SYS } from '../../../native/sys.js';

const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/**
 * A descriptor on the POSIX message queues of the calling thread's namespace, whether its container has mounted them or
 * not; undefined if the kernel knows none.
 */
export function mountQueues(): number | undefined {
  const context = syscall(SYS.fsopen, cString('mqueue'), CLOEXEC);
  if (context < 0) return undefined;
  const create = syscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0);
  const mount = create < 0 ? create : syscall(SYS.fsmount, context, CLOEXEC, 0);
  closeFd(context);
  return mount < 0 ? undefined : mount;
}
