// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { pidsIn, type Cgroup } from '../../common/cgroup.js';
import type { HostPid } from '../../common/ids.js';
import { expectCgroupMoves } from '../../native/cgroup-moves.js';
import { logger } from '../../common/log.js';
import { storedBytes } from '../memory/memory-map.js';
import type { Continued } from '../memory/live/continued.js';
import type { PreCopy } from '../memory/live/pre-copy.js';
import { forkVas, type NewVas, type VasRecord } from '../vas/store.js';
import type { Collection } from './collect.js';
import { residentBytesOf } from './copy-ahead.js';
import type { HeldMemory } from './filling.js';
import { hasPinned, PINNED } from './pinned.js';
import type { CheckpointRequest } from './request.js';
import type { Series } from './series.js';

const log = logger('checkpoint');

/** With so many bytes in memory that is not tracked, all of it is copied while the container runs. */
const MUCH = 16 << 20;

/** The checkpoint of a series that the next one starts from. */
export function continueFrom(series: Series, cgroup: Cgroup): Continued | undefined {
  const pids = pidsIn(cgroup);
  if (hasPinned(pids)) {
    series.end(PINNED);
    return undefined;
  }
  const last = series.take();
  if (!last || untracked(last, pids) <= MUCH) return last;
  last.close();
  log.info('the checkpoint is a whole one', { why: 'much of the memory is not tracked' });
  return undefined;
}

/** Bytes of processes that have begun, or executed another program, since; without what they share with others since a fork. */
function untracked(last: Continued, pids: readonly HostPid[]): number {
  const others = pids.filter((pid) => !last.tracks(pid) && residentBytesOf(pid) > MUCH);
  return others.reduce((sum, pid) => sum + privateBytesOf(pid), 0);
}

function privateBytesOf(pid: HostPid): number {
  try {
    const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
    return 1024 * Number(/^Private_Dirty: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  } catch {
    return 0; // It has ended.
  }
}

/** A fork of the VAS of a checkpoint. If there can be none, that is closed. */
export async function forkOf(last: Continued, memoryLimit?: number): Promise<NewVas | undefined> {
  try {
    return await expectCgroupMoves(() => forkVas(last.vasId, memoryLimit));
  } catch (error) {
    last.close();
    log.warn('the checkpoint is a whole one', { origin: last.vasId, error: String(error) });
    return undefined;
  }
}

/** What the record of a VAS says about the one that it has been forked from. */
export function originOf(
  { before }: HeldMemory['vas'],
  tracked: PreCopy | undefined,
  shared: Collection['shared'],
): Pick<VasRecord, 'origin' | 'copied'> {
  if (!before || !tracked) return {};
  const copied = tracked.bytes + tracked.rest + Number(storedBytes([], shared));
  return { origin: before.vasId, copied };
}

/** The same checkpoint, of all memory. */
export function withoutSeries({ series, ...request }: CheckpointRequest): CheckpointRequest {
  series?.end('places in the VAS have to be chosen anew');
  return request;
}
