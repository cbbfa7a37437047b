// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs';
import { type HostPid, ownPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { syscall } from '../../../native/index.js';
import { SYS } from '../../../native/sys.js';
import { listThreads, readChildren, readStat } from '../../procfs/reader.js';

const P_PID = 1;
const WNOHANG_EXITED = 0x1 | 0x4;
const WNOWAIT = 0x1000000;
const SIGINFO_SIZE = 128;
const GONE_TIMEOUT_MS = 10_000;

/** Whether a process, alive or dead, is our child (waitid(2)): if so, its pid cannot have been reused. */
export function isOurChild(pid: HostPid): boolean {
  const info = new Uint8Array(SIGINFO_SIZE);
  return syscall(SYS.waitid, P_PID, pid, info, WNOHANG_EXITED | WNOWAIT, null) === 0;
}

/**
 * Kills and reaps those of our children that are in the pid namespace of a process, since the
 * namespace's end would wait for us. What runc starts in a namespace that ends meanwhile becomes
 * our child before anyone knows its pid.
 */
export async function reapChildrenIn(initPid: HostPid): Promise<void> {
  const namespace = pidNamespaceOf(initPid);
  if (namespace === undefined) return;
  const children = listThreads(ownPid()).flatMap((tid) => readChildren(ownPid(), tid));
  for (const pid of children.filter((child) => pidNamespaceOf(child) === namespace)) {
    if (!isOurChild(pid)) continue;
    process.kill(pid, 'SIGKILL');
    await waitReaped(pid);
  }
}

function pidNamespaceOf(pid: HostPid): string | undefined {
  try {
    return readlinkSync(`/proc/${String(pid)}/ns/pid`);
  } catch {
    return undefined; // It is gone.
  }
}

/** Waits until a killed process has been reaped; reaps it if it has become our child. */
export async function waitReaped(pid: HostPid): Promise<void> {
  const end = performance.now() + GONE_TIMEOUT_MS;
  const info = new Uint8Array(SIGINFO_SIZE);
  while (performance.now() < end) {
    syscall(SYS.waitid, P_PID, pid, info, WNOHANG_EXITED, null);
    try {
      readStat(pid);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new ShimError('internal', `the donor (pid ${String(pid)}) is still there`);
}
