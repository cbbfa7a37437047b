// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { PrivateContainerd } from './containerd.js';
import { vasRoot } from './containerd-cleanup.js';
import { BIN } from './paths.js';
import { tryRun, type RunResult } from './run.js';

/** One element of what `mvas fork --json` prints. */
export interface ForkedClone {
  readonly id: string;
  readonly pid?: number;
  readonly kind?: string;
  readonly message?: string;
}

/** Runs `mvas` as a client of a containerd of ours, and tells how it ended. */
export async function mvas(
  containerd: PrivateContainerd,
  ...args: readonly string[]
): Promise<RunResult> {
  const env = clientEnvironment(containerd);
  return await tryRun(join(BIN, 'mvas'), args, { env });
}

/** The environment of a client of a containerd of ours. */
export function clientEnvironment(containerd: PrivateContainerd): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MVAS_ROOT: vasRoot(containerd),
    MVAS_STANDBY: '0', // One would outlive the test.
    CONTAINERD_ADDRESS: containerd.address,
    CONTAINERD_NAMESPACE: containerd.namespace,
  };
}
