// SPDX-License-Identifier: Apache-2.0
import { type HostPid, ownPid } from '../../../common/ids.js';
import { O } from '../../../native/abi/index.js';
import type { IpcVarEntry } from '../../image/types.js';
import { readNamespace } from '../../procfs/reader.js';
import { hasOwnIpc, type NamespacesSpec } from '../../spec.js';
import { openOwn } from '../files/system.js';
import { inNamespaceOf } from '../in-namespace.js';
import { readLimitsOfNamespace } from './limits.js';
import type { LiveIpc } from './limit-steps.js';

/** A spec, as far as it is about IPC. */
export interface IpcSpec extends NamespacesSpec {
  readonly linux?: NamespacesSpec['linux'] & { readonly sysctl?: Readonly<Record<string, string>> };
}

/** Whether a container has an IPC namespace of its own. */
export function ownsIpc(initPid: HostPid, spec: NamespacesSpec): boolean {
  return hasOwnIpc(spec) && readNamespace(initPid, 'ipc') !== readNamespace(ownPid(), 'ipc');
}

/** What a restore finds in the IPC namespace of a process. */
export function readLiveIpc(pid: HostPid, spec: IpcSpec): LiveIpc {
  const limits = inNamespaceOf(pid, 'ipc', readLimitsOfNamespace);
  return { isOwn: ownsIpc(pid, spec), limits, fixed: fixedBy(spec) };
}

/** What it is likely to find before there is one: the limits that the checkpointed container had, whose namespace was as new. */
export function expectedIpc(limits: IpcVarEntry, spec: IpcSpec): LiveIpc {
  return { isOwn: hasOwnIpc(spec), limits, fixed: fixedBy(spec) };
}

function fixedBy({ linux }: IpcSpec): ReadonlySet<string> {
  return new Set(Object.keys(linux?.sysctl ?? {}).map((name) => name.replaceAll('.', '/')));
}

/** Opens a sysctl of the IPC namespace of a process for writing; the caller closes it. */
export function openSysctl(pid: HostPid, path: string): number {
  return inNamespaceOf(pid, 'ipc', () => openOwn(`/proc/sys/${path}`, O.wronly));
}
