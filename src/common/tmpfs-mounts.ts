// SPDX-License-Identifier: Apache-2.0

/** The mounts of an OCI runtime spec (config.json). */
export interface SpecMounts {
  readonly mounts?: readonly { readonly type?: string; readonly destination: string }[];
}

/**
 * Mount points of the tmpfs file systems that a spec asks for. `/dev` is not one of them: the runtime fills
 * it anew. Nor is one below a later mount, where nobody can reach it.
 */
export function tmpfsMountsOf({ mounts = [] }: SpecMounts): string[] {
  return mounts
    .filter(({ type, destination }, index) => {
      const isHidden = mounts.slice(index + 1).some((later) => covers(later, destination));
      return type === 'tmpfs' && destination !== '/dev' && !isHidden;
    })
    .map(({ destination }) => destination);
}

/** Whether a path lies on or below a mount point. */
export function covers(mount: { readonly destination: string }, path: string): boolean {
  const destination = mount.destination.replace(/\/+$/, '');
  return path === destination || path.startsWith(`${destination}/`);
}
