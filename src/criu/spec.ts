// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimError } from '../common/errors.js';
import { parseJson } from '../common/big-json.js';

/** A range of ids of a user namespace, and those of the host that it stands for. */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The parts of an OCI runtime spec (config.json) that a restore reads or changes. */
export interface Spec {
  hostname?: string;
  domainname?: string;
  root?: { path?: string; readonly?: boolean };
  process?: {
    env?: string[];
    noNewPrivileges?: boolean;
    oomScoreAdj?: number;
    terminal?: boolean;
    apparmorProfile?: string;
    selinuxLabel?: string;
    capabilities?: { bounding?: string[] };
    rlimits?: { type: string; hard: number | bigint }[];
  };
  mounts?: { type?: string; destination: string; options?: string[] }[];
  linux?: {
    cgroupsPath?: string;
    resources?: unknown;
    namespaces?: { type: string; path?: string }[];
    uidMappings?: IdMapping[];
    gidMappings?: IdMapping[];
    seccomp?: unknown;
    sysctl?: Record<string, string>;
    maskedPaths?: string[];
    readonlyPaths?: string[];
  };
  hooks?: Record<string, unknown>;
}

const UNSUPPORTED_NAMESPACES: Readonly<Record<string, string>> = { time: 'a time namespace' };

/** The part of a spec that says which namespaces a container is in. */
export interface NamespacesSpec {
  readonly linux?: { readonly namespaces?: readonly { type: string; path?: string }[] };
}

/**
 * Reads the spec that a container is restored with: it decides, whatever the image says.
 *
 * @throws ShimError `invalidArgument` if it is not a spec, `failedPrecondition` for a container that nothing can be
 * restored into
 */
export function readLiveSpec(bundle: string): Spec {
  const spec = readSpec(bundle);
  checkNamespaces(spec, 'restore a container');
  return spec;
}

/** Reads a bundle's config.json. @throws ShimError `invalidArgument` if it is not a spec */
export function readSpec(bundle: string): Spec {
  const path = join(bundle, 'config.json');
  try {
    return parseJson(readFileSync(path, 'utf8')) as Spec;
  } catch (cause) {
    throw new ShimError('invalidArgument', `read ${path}: ${String(cause)}`, { cause });
  }
}

/**
 * Checks that containers of a spec can be restored: anything that a restore refuses is not checkpointed either.
 *
 * @param attempt for messages: `checkpoint NAME`
 * @throws ShimError `failedPrecondition` naming the namespace
 */
export function checkNamespaces({ linux }: NamespacesSpec, attempt: string): void {
  const namespaces = linux?.namespaces ?? [];
  const unsupported = (why: string): never => {
    throw new ShimError('failedPrecondition', `${attempt}: ${why}`);
  };
  for (const { type } of namespaces) {
    const words = UNSUPPORTED_NAMESPACES[type];
    if (words) unsupported(`${words} is not supported; remedy: run it without one`);
  }
  if (!namespaces.some(({ type }) => type === 'pid')) {
    const why = 'it is in the pid namespace of the host, which is not supported';
    unsupported(`${why}; remedy: give it its own, or that of a pod`);
  }
}

/** The path of the pid namespace that a spec's container joins; undefined if it gets its own. */
export function sharedPidNamespace({ linux }: NamespacesSpec): string | undefined {
  const { path = '' } = linux?.namespaces?.find(({ type }) => type === 'pid') ?? {};
  return path === '' ? undefined : path;
}

/** Whether a spec puts its container into a user namespace, be it a new one. */
export function hasUserNamespace({ linux }: NamespacesSpec): boolean {
  return linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
}

/** Whether a spec gives its container an IPC namespace of its own. */
export function hasOwnIpc({ linux }: NamespacesSpec): boolean {
  return linux?.namespaces?.some(({ type, path = '' }) => type === 'ipc' && path === '') ?? false;
}
