// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { unescapeMount } from './octal.js';

/** A cgroup in one hierarchy: where the hierarchy is mounted, and the path below it. */
export interface CgroupPlace {
  readonly mount: string;
  /** Begins with `/`, which alone is the root cgroup. */
  readonly path: string;
}

/** The cgroups of one process (cgroups(7)). */
export interface CgroupPlaces {
  /** By v1 controller; hierarchies without one are named as mounted (`name=systemd`). */
  readonly v1: ReadonlyMap<string, CgroupPlace>;
  readonly unified: CgroupPlace | undefined;
}

/**
 * Finds the cgroups of a process, in those hierarchies that are mounted. Pure.
 *
 * @param cgroups text of /proc/PID/cgroup
 * @param mountinfo text of /proc/self/mountinfo
 */
export function placesIn(cgroups: string, mountinfo: string): CgroupPlaces {
  const mounts = cgroupMounts(mountinfo);
  const v1 = new Map<string, CgroupPlace>();
  let unified: CgroupPlace | undefined;
  for (const line of cgroups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      unified = mounts.unified === undefined ? undefined : { mount: mounts.unified, path };
      continue;
    }
    for (const controller of controllers.split(',')) {
      const mount = mounts.v1.get(controller);
      if (mount !== undefined) v1.set(controller, { mount, path });
    }
  }
  return { v1, unified };
}

/** The directory of a cgroup; undefined for the root cgroup, which is nobody's. */
export function directoryOf(place: CgroupPlace | undefined): string | undefined {
  return place === undefined || place.path === '/' ? undefined : join(place.mount, place.path);
}

/** Mount points of the hierarchies; the first mount of each counts (proc(5), mountinfo). */
export function cgroupMounts(mountinfo: string): {
  readonly v1: ReadonlyMap<string, string>;
  readonly unified: string | undefined;
} {
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [mount, filesystem] = line.split(' - ');
    const escaped = mount?.split(' ')[4];
    const [type, , options = ''] = filesystem?.split(' ') ?? [];
    if (escaped === undefined) continue;
    const point = unescapeMount(escaped);
    if (type === 'cgroup2') unified ??= point;
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) if (!v1.has(option)) v1.set(option, point);
  }
  return { v1, unified };
}
