// SPDX-License-Identifier: Apache-2.0

/** The parts of an OCI runtime spec (config.json) that lead to mounts. */
export interface MountingSpec {
  readonly mounts?: readonly { readonly type?: string; readonly destination: string }[];
  readonly linux?: {
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
  };
  readonly hooks?: Readonly<Record<string, unknown>>;
}

/** Where a container has mounts before its first program runs; paths as the container sees them. */
export interface MountPlaces {
  /** One for each mount; may lead through symbolic links, or nowhere. */
  readonly paths: readonly string[];
  /** Below these there may be more, of the host (bind) and of the runtime (cgroup). */
  readonly trees: readonly string[];
  /** Programs of the host may have mounted more. */
  readonly hasHooks: boolean;
}

const TREES: readonly (string | undefined)[] = ['bind', 'rbind', 'none', '', undefined, 'cgroup'];

/** What a spec and its runtime mount. */
export function mountPlacesOf({ mounts = [], linux = {}, hooks = {} }: MountingSpec): MountPlaces {
  const { maskedPaths = [], readonlyPaths = [] } = linux;
  return {
    paths: ['/', ...mounts.map(({ destination }) => destination), ...maskedPaths, ...readonlyPaths],
    trees: mounts.filter(({ type }) => TREES.includes(type)).map(({ destination }) => destination),
    hasHooks: Object.keys(hooks).length > 0,
  };
}
