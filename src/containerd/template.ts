// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { decodeContainer, encodeContainer, type Place } from './api.js';
import type { Container } from '../common/messages/containers.js';
import { isInPod, specOf } from './spec.js';

/** What clones of a container are made from, after the container itself may be gone. */
export interface Template {
  readonly container: Container;
  /** The snapshot of containerd that a clone's root filesystem is prepared from; '' for an empty one. */
  readonly parent: string;
  /** Labels that the snapshots of clones get; absent in snapshots from before this was kept. */
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
  /** Whether that has the files of the moment of the snapshot. */
  readonly hasFiles?: boolean;
  /** Id of the snapshot from which the container went on to this one; absent or empty if there was none. */
  readonly origin?: string;
  /** Which containerd has it. */
  readonly place: Place;
}

/** A template as text. */
export function encodeTemplate({
  container,
  ...rest
}: Omit<Template, 'container'> & { readonly container: Partial<Container> }): string {
  const bytes = Buffer.from(encodeContainer(container));
  return JSON.stringify({ container: bytes.toString('base64'), ...rest });
}

/** The template in a snapshot. */
export function decodeTemplate(text: string): Template {
  const { container, ...rest } = JSON.parse(text) as Omit<Template, 'container'> & {
    readonly container: string;
  };
  return { container: decodeContainer(Buffer.from(container, 'base64')), ...rest };
}

/** @throws ShimError `failedPrecondition` if clones of this container cannot be made */
export function assertForkable(container: Partial<Container>): void {
  const { id = '', snapshotKey = '' } = container;
  const refuse = (why: string): never => {
    throw new ShimError('failedPrecondition', `fork ${id}: ${why}`);
  };
  if (snapshotKey === '') {
    refuse('its root filesystem is not a snapshot of containerd, as with docker and ctr --rootfs');
  }
  if (isInPod(specOf(container))) {
    refuse('it belongs to a pod; remedy: create a container with the annotation mvas.restore');
  }
}
