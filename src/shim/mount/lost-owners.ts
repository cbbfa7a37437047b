// SPDX-License-Identifier: Apache-2.0
import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import type { IdMapping, Spec } from '../bundle.js';
import type { MountValue } from '../proto/values.js';
import type { IdMapOptions } from './idmapped.js';
import { idsOf } from './options.js';
import { upperOf } from './snapshot-files.js';

const REMEDY =
  'take a snapshot (mvas snapshot, mvas.snapshot.when), and start the container from that (mvas.restore)';

/**
 * Refuses a root filesystem if one of its changed files belongs to nobody in the user namespace of its container.
 * containerd's archives do that where mounts map ids: it mounts what a container has changed like the image below,
 * whose ids it maps, so that they have the overflow id; and the ids of the image are those of the first container on
 * the host.
 *
 * @throws ShimError `failedPrecondition`
 */
export async function assertOwners(
  rootfs: readonly MountValue[],
  { linux }: Pick<Spec, 'linux'>,
): Promise<void> {
  const ids = idsOf(rootfs[0]?.options ?? []) ?? idsOfSpec(linux);
  const upper = upperOf(rootfs);
  if (!ids || upper === undefined) return;
  const found = await findLost(upper, '', ownersOf(ids));
  if (found === undefined) return;
  const why = `${found} of its root filesystem belongs to nobody in its user namespace`;
  const message = `${why}: containerd's archives lose the owners of such files; remedy: ${REMEDY}`;
  throw new ShimError('failedPrecondition', message);
}

/** The same of a user namespace whose ids no mount maps. */
function idsOfSpec(linux: Spec['linux']): IdMapOptions | undefined {
  const { uidMappings, gidMappings } = linux ?? {};
  const text = (maps: readonly Partial<IdMapping>[]): string =>
    maps.map(({ containerID, hostID, size }) => [containerID, hostID, size].join(':')).join(',');
  if (!uidMappings?.length || !gidMappings?.length) return undefined;
  return { users: text(uidMappings), groups: text(gidMappings) };
}

type IsLost = (stats: Stats) => boolean;

/** Files of the host's root are those that the host itself has put there, and whiteouts of the kernel's. */
function ownersOf({ users, groups }: IdMapOptions): IsLost {
  const hasUser = hostIds(users);
  const hasGroup = hostIds(groups);
  return ({ uid, gid }) => (uid !== 0 && !hasUser(uid)) || (gid !== 0 && !hasGroup(gid));
}

function hostIds(map: string): (id: number) => boolean {
  const ranges = map.split(',').map((range) => range.split(':').map(Number));
  return (id) => ranges.some(([, host = 0, count = 0]) => id >= host && id < host + count);
}

/** The path of a file below a folder that is lost; undefined if there is none. */
async function findLost(top: string, path: string, isLost: IsLost): Promise<string | undefined> {
  for await (const entry of await opendir(join(top, path))) {
    const below = `${path}/${entry.name}`;
    if (isLost(await lstat(join(top, below)))) return below;
    const found = entry.isDirectory() ? await findLost(top, below, isLost) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
