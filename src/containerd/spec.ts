// SPDX-License-Identifier: Apache-2.0
import { formatJson, parseJson } from '../common/big-json.js';
import { CLONES, GROUP } from '../common/daemon-socket.js';
import { ShimError } from '../common/errors.js';
import { ownCgroupsPath } from '../common/own-cgroups-path.js';
import type { Container } from '../common/messages/containers.js';

/* Specs of containers, as containerd keeps them. Pure. */

/** Annotation of a container that is to start as a clone of a snapshot; the shim reads it. */
export const RESTORE = 'mvas.restore';
/** Annotation of such a container: `cold` if it is to start without the snapshot where that is gone. */
export const FALLBACK = 'mvas.restore.fallback';
/** Annotations of such a container: what is run in it before it goes on, and whether that has to succeed. */
export const HOOK = { command: 'mvas.clone.hook', isRequired: 'mvas.clone.hook.required' } as const;
/** Annotation of such a container: its number among those that are made together. */
export const INDEX = 'mvas.clone.index';
/** Annotation of a container: who else may make clones of its snapshots. */
export const SHARE = 'mvas.share';
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

/** What makes a clone's spec differ from its source's. */
export interface OfClone {
  readonly id: string;
  readonly sourceId: string;
  readonly network: Network;
  /** Of containers that share a daemon; undefined: it has one of its own. A group that the source's spec asks for goes first. */
  readonly group?: string | undefined;
}

/** The spec of a clone. */
export function cloneSpec(spec: Spec, { id, sourceId, network, group }: OfClone): Spec {
  const { linux = {}, hostname, annotations } = spec;
  const cgroupsPath = ownCgroupsPath(spec, id);
  return {
    ...spec,
    ...(hostname === sourceId ? { hostname: id } : {}),
    annotations: inGroup(without(annotations, RESTORE), group),
    linux: {
      ...linux,
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      namespaces: inNetwork(linux.namespaces ?? [], network),
    },
  };
}

/** What is run in each clone before it goes on. */
export interface Hook {
  /** A JSON list of its words, or what a shell runs. */
  readonly command: string;
  /** Whether a clone is not made if it fails. */
  readonly isRequired: boolean;
}

/** The same spec, for a start as a clone of a snapshot, one of several. */
export function startingFrom(spec: Spec, snapshotId: string, index: number, hook?: Hook): Spec {
  const own = {
    ...{ [RESTORE]: snapshotId, [INDEX]: String(index) },
    ...(hook && { [HOOK.command]: hook.command, [HOOK.isRequired]: String(hook.isRequired) }),
  };
  return { ...spec, annotations: { ...spec.annotations, ...own } };
}

function without(all: Spec['annotations'] = {}, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
}

/** Whether a client has put a container into a group; a fork leaves its clones there. */
export function isGrouped({ annotations }: Spec): boolean {
  const group = annotations?.[GROUP];
  return group !== undefined && !group.startsWith(CLONES);
}

/** What a fork has put together stays apart from what it is forked into. */
function inGroup(
  annotations: Readonly<Record<string, string>>,
  group: string | undefined,
): Readonly<Record<string, string>> {
  if (isGrouped({ annotations })) return annotations;
  const others = without(annotations, GROUP);
  return group === undefined ? others : { ...others, [GROUP]: group };
}

type Namespaces = NonNullable<NonNullable<Spec['linux']>['namespaces']>;

function inNetwork(namespaces: Namespaces, network: Network): Namespaces {
  if (network === 'same') return namespaces;
  const others = namespaces.filter(({ type }) => type !== 'network');
  return [...others, network === 'none' ? { type: 'network' } : { type: 'network', path: network }];
}
