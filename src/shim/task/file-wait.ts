// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPid } from '../../common/ids.js';
import { startChild } from '../../native/children.js';
import { builtFile } from '../../native/index.js';

const EXECUTABLE = builtFile('mvas-await');

/** A rollback puts another init in the place of one. */
const AGAIN_MS = 1_000;

/**
 * Waits until a container has a file; resolves with false if the signal has ended the wait. The file may lie on a file
 * system whose server never answers, in the container or outside: what waits then is a process that nobody waits for.
 *
 * @param initPid that of now
 */
export async function fileAppears(
  path: string,
  initPid: () => HostPid,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const args = [`/proc/${String(initPid())}/root`, path];
    const fds = [null, null, null];
    const child = startChild({ file: EXECUTABLE, args, env: {}, fds, isDaemon: true, signal });
    if ((await child.ended) === 0) return true;
    await delay(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return false;
}
