// SPDX-License-Identifier: Apache-2.0
import { formatJson, parseJson } from '../common/big-json.js';
import { ShimError } from '../common/errors.js';
import { ownCgroupsPath } from '../common/own-cgroups-path.js';
import type { Container } from './proto/messages/containers.js';

/* Specs of containers, as containerd keeps them. Pure. */

/** Annotation of a container that is to start as a clone of a snapshot; the shim reads it. */
export const RESTORE = 'mvas.restore';
/** Annotation of such a container: `cold` if it is to start without the snapshot where that is gone. */
export const FALLBACK = 'mvas.restore.fallback';
/** Annotation of such a container: its number among those that are made together. */
export const INDEX = 'mvas.clone.index';
/** What fork gives no child: such containers belong to somebody who does not know of it. */
const POD = 'io.kubernetes.cri.sandbox-id';

/** The parts of an OCI runtime spec that clones differ in. */
export interface Spec {
  readonly hostname?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly process?: { readonly args?: readonly string[]; readonly terminal?: boolean };
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
  };
}

/** Which network namespace a clone is in: as its source's spec says, an empty one of its own, or that of a path. */
export type Network = 'same' | 'none' | `/${string}`;

/** A container's spec. @throws ShimError `dataLoss` */
export function specOf({ id, spec }: Partial<Container>): Spec {
  try {
    return parseJson(Buffer.from(spec?.value ?? []).toString('utf8')) as Spec;
  } catch (cause) {
    throw new ShimError('dataLoss', `read the spec of container ${id ?? ''}: ${String(cause)}`);
  }
}

/** A spec as containerd keeps it. */
export function encodeSpec(spec: Spec): Uint8Array {
  return Buffer.from(formatJson(spec));
}

/** Whether a container is part of a Kubernetes pod. */
export function isInPod({ annotations }: Spec): boolean {
  return annotations?.[POD] !== undefined;
}

/** The spec of a clone. */
export function cloneSpec(
  spec: Spec,
  clone: { readonly id: string; readonly sourceId: string; readonly network: Network },
): Spec {
  const { id, sourceId, network } = clone;
  const { linux = {}, hostname, annotations } = spec;
  const cgroupsPath = ownCgroupsPath(spec, id);
  return {
    ...spec,
    ...(hostname === sourceId ? { hostname: id } : {}),
    annotations: without(annotations, RESTORE),
    linux: {
      ...linux,
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      namespaces: inNetwork(linux.namespaces ?? [], network),
    },
  };
}

/** The same spec, for a start as a clone of a snapshot, one of several. */
export function startingFrom(spec: Spec, snapshotId: string, index: number): Spec {
  const own = { [RESTORE]: snapshotId, [INDEX]: String(index) };
  return { ...spec, annotations: { ...spec.annotations, ...own } };
}

function without(all: Spec['annotations'] = {}, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
}

type Namespaces = NonNullable<NonNullable<Spec['linux']>['namespaces']>;

function inNetwork(namespaces: Namespaces, network: Network): Namespaces {
  if (network === 'same') return namespaces;
  const others = namespaces.filter(({ type }) => type !== 'network');
  return [...others, network === 'none' ? { type: 'network' } : { type: 'network', path: network }];
}
