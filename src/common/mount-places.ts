// SPDX-License-Identifier: Apache-2.0

/** The parts of an OCI runtime spec (config.json) that lead to mounts. */
export interface MountingSpec {
  readonly mounts?: readonly {
    readonly type?: string;
    readonly destination: string;
    readonly source?: string;
    readonly options?: readonly string[];
  }[];
  readonly linux?: {
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
  };
  readonly hooks?: Readonly<Record<string, unknown>>;
}

/** A mount that brings others along. */
export interface MountTree {
  readonly path: string;
  /** What the host has there (rbind); undefined where the runtime mounts cgroups. */
  readonly source: string | undefined;
}

/** Where a container has mounts before its first program runs; paths as the container sees them. */
export interface MountPlaces {
  /** One for each mount; may lead through symbolic links, or nowhere. */
  readonly paths: readonly string[];
  /** Those of {@link paths} that the runtime mounts whatever the host has. */
  readonly certain: readonly string[];
  readonly trees: readonly MountTree[];
  /** Hooks on the host may have mounted more. */
  readonly hasHooks: boolean;
}

/** What a spec and its runtime mount. */
export function mountPlacesOf({ mounts = [], linux = {}, hooks = {} }: MountingSpec): MountPlaces {
  const { maskedPaths = [], readonlyPaths = [] } = linux;
  const certain = mounts.map(({ destination }) => destination);
  return {
    paths: ['/', ...certain, ...maskedPaths, ...readonlyPaths],
    certain,
    trees: mounts.flatMap(({ type, destination: path, source, options = [] }): MountTree[] => {
      if (type === 'cgroup') return [{ path, source: undefined }];
      return options.includes('rbind') && source !== undefined ? [{ path, source }] : [];
    }),
    hasHooks: Object.keys(hooks).length > 0,
  };
}
