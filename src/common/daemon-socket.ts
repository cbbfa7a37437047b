// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Where the daemons' sockets lie unless containerd says otherwise. */
export const DEFAULT_SOCKET_DIR = '/run/containerd/s';

/** Annotation by which any client puts containers into one daemon. */
export const GROUP = 'io.containerd.runc.v2.group';
/** The first of these that is present decides. */
const GROUP_ANNOTATIONS = [GROUP, 'io.kubernetes.cri.sandbox-id'];

/** Begins the groups of clones that share a daemon. */
export const CLONES = 'mvas-fork-';
/** Begins those of clones that are made one after another. */
const JOINED = `${CLONES}of-`;

/**
 * A group that clones of a snapshot join as they are made; `number` tells it from others of that snapshot. Daemons of another version
 * are not joined. Pure.
 */
export function joinedGroup(snapshotId: string, version: string, number: number): string {
  return `${JOINED}${snapshotId}-${version}-${String(number)}`;
}

/** Whether clones may join a group at any time. Pure. */
export function isJoined(group: string): boolean {
  return group.startsWith(JOINED);
}

/** The part of a spec that says which group its container belongs to. */
export interface Annotated {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The group a container belongs to: its pod's, or itself. Pure. */
export function groupOf(spec: Annotated, id: string): string {
  const found = GROUP_ANNOTATIONS.map((name) => spec.annotations?.[name]).find(Boolean);
  return found ?? id;
}

/** A daemon's socket: one for each containerd, namespace and group. Pure. */
export function socketPath(
  directory: string,
  containerdAddress: string,
  namespace: string,
  group: string,
): string {
  const identity = join(containerdAddress, namespace, group);
  return join(directory, createHash('sha256').update(`mvas:${identity}`).digest('hex'));
}
