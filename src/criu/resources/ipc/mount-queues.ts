// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { syscall } from '../../../native/index.js';
import { closeFd, cString, SYS } from '../../../native/sys.js';
import type { Lasting } from '../../lasting.js';
import { readNamespace } from '../../procfs/reader.js';
import { inNamespaceOf } from '../in-namespace.js';

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

/**
 * The same of a process's namespace, until `lasting` is closed: to mount and unmount it may take longer than all else that
 * is to be known of open files.
 */
export function queuesOf(pid: HostPid, lasting: Lasting): number | undefined {
  return lasting.get(`queues of ${readNamespace(pid, 'ipc')}`, () => {
    const mount = inNamespaceOf(pid, 'ipc', mountQueues);
    if (mount !== undefined) {
      lasting.atClose(() => {
        closeFd(mount);
      });
    }
    return mount;
  });
}
