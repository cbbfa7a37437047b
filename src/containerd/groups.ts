// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { groupBy } from '../common/group-by.js';
import { projectVersion } from '../common/checkout.js';
import { CLONES, joinedGroup } from '../common/daemon-socket.js';
import type { ContainerdApi } from './api.js';
import { labelOf, LABELS } from './head.js';

/** Containers that one daemon serves: containerd ends them with it. */
const PER_DAEMON = 8;

/** Runs work while nobody else does so for the same snapshot. */
export type Alone = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Makes the record of a clone in a group of those that share a daemon, which has the snapshot at hand for the next one, and takes
 * memory once; undefined: in none.
 */
export type Enter = <T>(make: (group: string | undefined) => Promise<T>) => Promise<T>;

/** Each in none. */
export const alone: Enter = (make) => make(undefined);

/** Clones that are made together: where each one goes, by its index. */
export function together(): (index: number) => Enter {
  const fork = `${CLONES}${randomBytes(8).toString('hex')}`;
  return (index) => (make) => make(`${fork}-${String(Math.floor(index / PER_DAEMON))}`);
}

/** A clone that is made by itself: with those of the same snapshot that others have made, where there is room. */
export function joining(api: ContainerdApi, snapshotId: string, whileAlone: Alone): Enter {
  return async (make) => {
    const chosen = new Set<string>();
    try {
      return await whileAlone(async () => {
        const group = await roomyGroup(api, snapshotId);
        chosen.add(group);
        return await make(group);
      });
    } catch (error) {
      if (chosen.size > 0) throw error;
      return await make(undefined); // Too many choose at once.
    }
  };
}

/** The first group of a snapshot with room for one more; records count, even of containers that do not run. */
async function roomyGroup(api: ContainerdApi, snapshotId: string): Promise<string> {
  const filters = [`labels."${LABELS.snapshot}"==${snapshotId}`];
  const { containers } = await api.call('Containers/List', { filters });
  const members = groupBy(containers, (container) => labelOf(container, LABELS.daemon));
  const version = projectVersion();
  for (let number = 0; ; number += 1) {
    const group = joinedGroup(snapshotId, version, number);
    if ((members.get(group)?.length ?? 0) < PER_DAEMON) return group;
  }
}
