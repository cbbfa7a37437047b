// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { AF, O, SOCK } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { call, closeFd, SYS } from '../../../../native/sys.js';
import { inNamespaceOf } from '../../in-namespace.js';
import { socketAddress } from './inet-address.js';

const EADDRNOTAVAIL = -99;

/** Whether the network namespace of a process has an address: a socket can be bound to it. */
export function isLocalAddress(pid: HostPid, words: readonly number[]): boolean {
  const family = words.length === 1 ? AF.inet : AF.inet6;
  return inNamespaceOf(pid, 'net', () => {
    const probe = call('make a socket', SYS.socket, family, SOCK.dgram | O.cloexec, 0);
    try {
      const raw = socketAddress(family, 0, words);
      return syscall(SYS.bind, probe, raw, raw.length) !== EADDRNOTAVAIL;
    } finally {
      closeFd(probe);
    }
  });
}
