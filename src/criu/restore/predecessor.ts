// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { ownCgroupsPath } from '../../common/own-cgroups-path.js';
import type { Spec } from '../spec.js';

/**
 * The running container whose place a restored one takes. Its id, its cgroups, and its network and cgroup namespaces
 * stay; mounts are made anew from its spec.
 */
export interface Predecessor {
  /** Pid of its init. */
  readonly initPid: HostPid;
  /** Under this id the runtime creates the donor, since the container's own is in use. */
  readonly donorId: string;
  /** Where the root filesystem of the new processes is mounted. */
  readonly rootfs: string;
  /**
   * Ends all of its processes, and resolves when they have gone. Called once, when the new processes have their
   * surroundings and their plan; a restore that fails before has left the container as it was.
   */
  end(): Promise<void>;
}

/** Namespaces that are joined instead of made. The others belong to the user namespace. */
const KEPT: Readonly<Record<string, string>> = { network: 'net', cgroup: 'cgroup', user: 'user' };

/**
 * The spec for the surroundings of the new processes. Only hooks that change mounts run again: others have already
 * told the world about this container.
 */
export function successorSpec(spec: Spec, { initPid, donorId, rootfs }: Predecessor): Spec {
  const { linux = {}, hooks } = spec;
  const namespaces = (linux.namespaces ?? []).map(({ type, path = '' }) => {
    const kept = KEPT[type];
    if (path === '' && kept !== undefined)
      return { type, path: `/proc/${String(initPid)}/ns/${kept}` };
    return path === '' ? { type } : { type, path };
  });
  const { createContainer } = hooks ?? {};
  const cgroupsPath = ownCgroupsPath(spec, donorId);
  return {
    ...spec,
    root: { ...spec.root, path: rootfs },
    hooks: createContainer === undefined ? {} : { createContainer },
    linux: {
      ...withoutResources(linux),
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      namespaces,
      sysctl: ofNoNetwork(linux.sysctl),
    },
  };
}

/** Where a container sees its cgroups: a donor's mounts would show the donor's. */
export function cgroupPlacesOf({ mounts = [] }: Spec): string[] {
  return mounts.filter(({ type }) => type === 'cgroup').map(({ destination }) => destination);
}

/** The limits are those of the container's cgroups, where the donor is not. */
function withoutResources(linux: NonNullable<Spec['linux']>): NonNullable<Spec['linux']> {
  const copy = { ...linux };
  delete copy.resources;
  return copy;
}

/** The container may have changed those of its network. */
function ofNoNetwork(sysctls: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(sysctls).filter(([name]) => !name.startsWith('net.')));
}
