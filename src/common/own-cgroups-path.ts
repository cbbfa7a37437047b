// SPDX-License-Identifier: Apache-2.0

/** The part of an OCI runtime spec that names a cgroup. */
export interface WithCgroup {
  readonly linux?: { readonly cgroupsPath?: string };
}

/**
 * The cgroup path for a container whose spec was copied from another one (`ctr containers restore` returns the old
 * spec unchanged): a path beside the other's, named by the container's own id. Both forms are supported: a path,
 * and systemd's `slice:prefix:name`.
 *
 * @returns undefined if the path is already the container's own, or the spec names none
 */
export function ownCgroupsPath(spec: WithCgroup, id: string): string | undefined {
  const path = spec.linux?.cgroupsPath ?? '';
  if (path === '') return undefined;
  const separator = path.includes('/') ? '/' : path.includes(':') ? ':' : '/';
  const parts = path.split(separator);
  if (parts.at(-1) === id) return undefined;
  return [...parts.slice(0, -1), id].join(separator);
}
