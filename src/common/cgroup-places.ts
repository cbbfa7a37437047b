// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CgroupMembership } from './procfs/cgroup.js';
import type { MountInfo } from './procfs/mountinfo.js';

/** A cgroup in one hierarchy: where the hierarchy is mounted, and the path below it. */
export interface CgroupPlace {
  readonly mount: string;
  /** Begins with `/`; the root cgroup is `/` itself. */
  readonly path: string;
}

/** The cgroups of one process (cgroups(7)). */
export interface CgroupPlaces {
  /** By v1 controller; hierarchies without one are named as mounted (`name=systemd`). */
  readonly v1: ReadonlyMap<string, CgroupPlace>;
  readonly unified: CgroupPlace | undefined;
}

/** Finds the cgroups of a process, in those hierarchies that are among `mounts`. */
export function placesIn(
  memberships: readonly CgroupMembership[],
  mounts: readonly MountInfo[],
): CgroupPlaces {
  const { v1: points, unified: point } = cgroupMounts(mounts);
  const v1 = new Map<string, CgroupPlace>();
  let unified: CgroupPlace | undefined;
  for (const { hierarchyId, controllers, name, path } of memberships) {
    if (hierarchyId === 0) unified = point === undefined ? undefined : { mount: point, path };
    for (const option of name === undefined ? controllers : [...controllers, `name=${name}`]) {
      const mount = points.get(option);
      if (mount !== undefined) v1.set(option, { mount, path });
    }
  }
  return { v1, unified };
}

/** Directories of all cgroups of a process, including root cgroups; one that several controllers share comes once. */
export function cgroupDirectories({ v1, unified }: CgroupPlaces): string[] {
  const places = [...v1.values(), ...(unified ? [unified] : [])];
  return [...new Set(places.map(({ mount, path }) => join(mount, path)))];
}

/** The directory of a cgroup; undefined for the root cgroup, which belongs to nobody. */
export function directoryOf(place: CgroupPlace | undefined): string | undefined {
  return place === undefined || place.path === '/' ? undefined : join(place.mount, place.path);
}

/** Mount points of the hierarchies; the first mount of each counts (cgroups(7)). */
export function cgroupMounts(mounts: readonly MountInfo[]): {
  readonly v1: ReadonlyMap<string, string>;
  readonly unified: string | undefined;
} {
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const { fsType, mountPoint, superOptions } of mounts) {
    if (fsType === 'cgroup2') unified ??= mountPoint;
    if (fsType !== 'cgroup') continue;
    for (const option of superOptions) if (!v1.has(option)) v1.set(option, mountPoint);
  }
  return { v1, unified };
}
