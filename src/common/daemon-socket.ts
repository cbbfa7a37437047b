// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Where the daemons' sockets lie unless containerd says otherwise. */
export const DEFAULT_SOCKET_DIR = '/run/containerd/s';

/** Annotations that put containers into one daemon; the first one present decides. */
const GROUP_ANNOTATIONS = ['io.containerd.runc.v2.group', 'io.kubernetes.cri.sandbox-id'];

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
