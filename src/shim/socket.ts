// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Spec } from './bundle.js';

/** Where the daemons' sockets lie unless containerd says otherwise. */
export const DEFAULT_SOCKET_DIR = '/run/containerd/s';

/** Annotations that put containers into one daemon; the first one present decides. */
const GROUP_ANNOTATIONS = ['io.containerd.runc.v2.group', 'io.kubernetes.cri.sandbox-id'];

/** The group a container belongs to: its pod's, or itself. Pure. */
export function groupOf(spec: Spec, id: string): string {
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

/** The socket in an answer of `start`: an address, or JSON. Empty if it contains none. Pure. */
export function socketOf(answer: string): string {
  const address = answer.startsWith('{') ? addressIn(answer) : answer;
  return address.replace(/^unix:\/\//, '');
}

function addressIn(json: string): string {
  try {
    const { address } = JSON.parse(json) as { readonly address?: unknown };
    return typeof address === 'string' ? address : '';
  } catch {
    return '';
  }
}

/**
 * Whether a daemon listens on a socket, however busy it is: connecting to a unix socket does not wait (connect(2):
 * EAGAIN if too many others wait to be accepted).
 */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EAGAIN');
    });
  });
}
