// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { O } from '../../native/abi/index.js';
import { closeFd, openPidfd } from '../../native/sys.js';
import type { Given } from '../plan/given.js';
import { openOwn } from '../resources/files/system.js';
import { openSysctl } from '../resources/ipc/live.js';
import { KernelDevice } from '../vas/kernel-device.js';
import type { FinishRequest } from './restore-request.js';

/** Opens what a plan needs besides stdio, for as long as `use` takes. */
export async function withDescriptors(
  donorPid: HostPid,
  stdio: FinishRequest['stdio'],
  use: (descriptorOf: (given: Given) => number) => Promise<void>,
): Promise<void> {
  const opened = new Map<Given, number>();
  const open = (given: Given): number => {
    const fd = openGiven(donorPid, given);
    opened.set(given, fd);
    return fd;
  };
  try {
    await use((given) => (typeof given === 'number' ? (stdio[given] ?? -1) : open(given)));
  } finally {
    for (const fd of opened.values()) closeFd(fd);
  }
}

function openGiven(donorPid: HostPid, given: Given): number {
  if (typeof given === 'object') {
    if ('pid' in given) return openPidfd(given.pid);
    if ('memory' in given) return openOwn(`/proc/${String(given.memory)}/mem`, O.rdonly);
    if ('mapFiles' in given)
      return openOwn(`/proc/${String(given.mapFiles)}/map_files`, O.path | O.directory);
    if ('sysctl' in given) return openSysctl(donorPid, given.sysctl);
    return openOwn(`/proc/${String(donorPid)}/ns/${given.namespace}`, O.rdonly);
  }
  return given === 'donor' ? openPidfd(donorPid) : KernelDevice.open().fd;
}
