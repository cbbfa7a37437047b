// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import type { HostPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { logger } from '../../../common/log.js';
import type { CoreEntry } from '../../image/types.js';
import { CAP, hasCapability } from './capabilities.js';
import type { LiveLimits } from './policy.js';

const log = logger('criu:attributes');
const HIGHEST_SCORE = 1000;
const COREDUMP_BITS = 0x1ff;

/**
 * Sets what only files of the host's /proc accept, from the engine's process, once per process.
 *
 * @throws ShimError `internal` if /proc refuses for any reason except a privilege that we lack
 */
export function applyFromOutside(hostPid: HostPid, core: CoreEntry, limits: LiveLimits): void {
  const task = core.tc;
  if (task?.mvas_coredump_filter !== undefined) {
    const filter = (task.mvas_coredump_filter & COREDUMP_BITS).toString(16);
    writeAttribute(hostPid, 'coredump_filter', `0x${filter}`);
  }
  if (task?.oom_score_adj === undefined) return;
  writeAttribute(hostPid, 'oom_score_adj', String(allowedScore(task.oom_score_adj, limits)));
}

/** An image cannot make its processes less likely to be killed than the request does. */
export function allowedScore(score: number, limits: LiveLimits): number {
  const isFree = hasCapability(limits.boundingSet, CAP.sysResource);
  const lowest = isFree ? -HIGHEST_SCORE : Math.min(0, limits.oomScoreAdj ?? 0);
  return Math.min(HIGHEST_SCORE, Math.max(lowest, score));
}

function writeAttribute(hostPid: HostPid, name: string, value: string): void {
  const path = `/proc/${String(hostPid)}/${name}`;
  try {
    writeFileSync(path, value);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    // Lowering the score takes CAP_SYS_RESOURCE, which runc would not have had either.
    if (code !== 'EACCES')
      throw new ShimError('internal', `write ${path}: ${code}`, { cause: error });
    log.warn('attribute not set', { path, value, error: code });
  }
}
