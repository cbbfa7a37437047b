// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { asHostPid, type HostPid } from '../common/ids.js';
import type { ContainerdApi } from './api.js';
import { Status } from './proto/messages/process.js';

/** What a container is doing. */
export interface Task {
  /** Of its init; 0 if it has none. */
  readonly pid: HostPid;
  readonly status: 'running' | 'paused' | 'stopped';
}

/** The task of a container; one without a task is stopped. */
export async function taskOf(api: ContainerdApi, containerId: string): Promise<Task> {
  const { process } = await api.call('Tasks/Get', { containerId }).catch((error: unknown) => {
    if (ShimError.from(error).kind !== 'notFound') throw error;
    return { process: undefined };
  });
  const pid = asHostPid(process?.pid ?? 0);
  if (process?.status === Status.RUNNING) return { pid, status: 'running' };
  return { pid, status: process?.status === Status.PAUSED ? 'paused' : 'stopped' };
}
