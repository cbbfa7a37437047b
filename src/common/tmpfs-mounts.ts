// SPDX-License-Identifier: Apache-2.0

/** The mounts of an OCI runtime spec (config.json). */
export interface SpecMounts {
  readonly mounts?: readonly { readonly type?: string; readonly destination: string }[];
}

/**
 * Mount points of the tmpfs file systems that a spec asks for. `/dev` is not one of them: the runtime fills
 * it anew.
 */
export function tmpfsMountsOf(spec: SpecMounts): string[] {
  return (spec.mounts ?? [])
    .filter(({ type, destination }) => type === 'tmpfs' && destination !== '/dev')
    .map(({ destination }) => destination);
}
