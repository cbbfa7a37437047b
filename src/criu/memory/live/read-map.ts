// SPDX-License-Identifier: Apache-2.0
import { readSmaps } from '../../procfs/reader.js';
import type { SmapsVma } from '../../procfs/smaps.js';
import { NO_RUNS } from '../memory-map.js';
import { judgeAreas } from './judge.js';
import type { LiveProcess } from './process.js';
import type { Owner } from './same-pages.js';

/** What a process maps: as /proc shows it, and judged. */
export interface ReadMap extends Owner {
  readonly vmas: readonly SmapsVma[];
}

/**
 * Reads what a stopped process maps; which of its pages have content is not known yet.
 *
 * @throws ShimError `failedPrecondition` for what cannot be restored
 */
export function readMap(process: LiveProcess): ReadMap {
  const { pid, nsPid, label } = process;
  const vmas = readSmaps(pid);
  const areas = judgeAreas(label, vmas);
  return { process, vmas, map: { pid: nsPid, label, areas, guards: NO_RUNS } };
}
