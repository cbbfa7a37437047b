// SPDX-License-Identifier: Apache-2.0
import { anyOf, type ContainerdApi } from './api.js';
import { ContainerUpdate } from './proto/messages/container-events.js';

/** Topic of the event. Its type is containerd's own, since its clients give up at one that they do not know. */
const TOPIC = '/mvas/vas-ended';

/** A VAS that has ended. */
export interface Ended {
  readonly id: string;
  /** That of the snapshot, or one made of its container's. */
  readonly name: string;
  readonly containerId: string;
  readonly why: string;
}

/** Tells the watchers of a namespace that a VAS has ended. @throws ShimError */
export async function publishEnd(
  api: ContainerdApi,
  { id, name, containerId, why }: Ended,
): Promise<void> {
  const own = { 'mvas.vas': id, 'mvas.name': name, 'mvas.reason': why };
  const labels = Object.entries(own).map(([key, value]) => ({ key, value }));
  const event = anyOf(ContainerUpdate, { id: containerId, labels });
  await api.call('Events/Publish', { topic: TOPIC, event });
}
