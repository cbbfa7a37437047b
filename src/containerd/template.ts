// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { decodeContainer, encodeContainer, type ContainerdApi } from './api.js';
import type { Container } from './proto/messages/containers.js';
import { isInPod, specOf } from './spec.js';

/** What clones of a container are made from, after the container itself may be gone. */
export interface Template {
  readonly container: Container;
  /** The snapshot of containerd that a clone's root filesystem is prepared from; '' for an empty one. */
  readonly parent: string;
}

/** The template that a container is, as text. */
export async function encodeTemplate(
  api: ContainerdApi,
  container: Partial<Container>,
): Promise<string> {
  const { snapshotter = '', snapshotKey: key = '' } = container;
  const { info } =
    key === '' ? { info: {} } : await api.call('Snapshots/Stat', { snapshotter, key });
  const bytes = Buffer.from(encodeContainer(container));
  return JSON.stringify({ container: bytes.toString('base64'), parent: info?.parent ?? '' });
}

/**
 * The template in a snapshot.
 *
 * @throws ShimError `failedPrecondition` if clones of it cannot be made
 */
export function decodeTemplate(text: string): Template {
  const { container: bytes, parent } = JSON.parse(text) as { container: string; parent: string };
  const container = decodeContainer(Buffer.from(bytes, 'base64'));
  const { id, snapshotKey } = container;
  const refuse = (why: string): never => {
    throw new ShimError('failedPrecondition', `fork ${id}: ${why}`);
  };
  if (snapshotKey === '') {
    refuse('its root filesystem is not a snapshot of containerd, as with docker and ctr --rootfs');
  }
  if (isInPod(specOf(container))) {
    refuse('it belongs to a pod; remedy: create a container with the annotation mvas.restore');
  }
  return { container, parent };
}
