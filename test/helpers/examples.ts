// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { vasRoot } from './containerd-cleanup.js';
import type { PrivateContainerd } from './containerd.js';
import { REPOSITORY } from './paths.js';
import { tryRun, type RunResult } from './run.js';

/** Runs a script of examples/ with a containerd of ours, and tells how it ended. */
export async function runExample(
  containerd: PrivateContainerd,
  name: string,
  { env, timeoutMs }: { readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number },
): Promise<RunResult> {
  const ours = {
    CONTAINERD_ADDRESS: containerd.address,
    CONTAINERD_NAMESPACE: containerd.namespace,
    CONTAINERD_SNAPSHOTTER: containerd.snapshotter,
    MVAS_ROOT: vasRoot(containerd),
    MVAS_STANDBY: '0',
  };
  const script = join(REPOSITORY, 'examples', name);
  return await tryRun('bash', [script], { env: { ...process.env, ...ours, ...env }, timeoutMs });
}
