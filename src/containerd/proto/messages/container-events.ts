// SPDX-License-Identifier: Apache-2.0
// Generated from proto/events/container.proto; do not edit.
/** containerd's event about a changed container, which tells of the end of a VAS of ours under a topic of its own. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** `containerd.events.ContainerUpdate`. */
export interface ContainerUpdate {
  id: string;
  image: string;
  labels: readonly Partial<ContainerUpdateLabelsEntry>[];
  snapshotKey: string;
}

export const ContainerUpdate = 'containerd.events.ContainerUpdate';

/** `containerd.events.ContainerUpdate.LabelsEntry`. */
export interface ContainerUpdateLabelsEntry {
  key: string;
  value: string;
}

export const ContainerUpdateLabelsEntry = 'containerd.events.ContainerUpdate.LabelsEntry';

/** Field tables of this file's messages. */
export const CONTAINER_EVENTS_MESSAGES = {
  'containerd.events.ContainerUpdate': [
    ['id', 1, 'implicit', 'string'],
    ['image', 2, 'implicit', 'string'],
    ['labels', 3, 'repeated', 'containerd.events.ContainerUpdate.LabelsEntry'],
    ['snapshotKey', 4, 'implicit', 'string'],
  ],
  'containerd.events.ContainerUpdate.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
} as const satisfies MessageTables;
