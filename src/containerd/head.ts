// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi } from './api.js';
import type { Container } from '../common/messages/containers.js';

/**
 * Labels of containers: of a clone the container and the snapshot it is of, and the group of the daemon that it shares with later
 * ones; the snapshot that a container goes on from.
 */
export const LABELS = {
  parent: 'mvas.parent',
  snapshot: 'mvas.snapshot',
  daemon: 'mvas.daemon',
  head: 'mvas.head',
} as const;

/** The value of a container's label; empty without it. */
export function labelOf({ labels = [] }: Partial<Container>, name: string): string {
  return labels.find(({ key }) => key === name)?.value ?? '';
}

/** The snapshot that a container goes on from: the last one taken of it or that it was put back to. */
export function headOf(container: Partial<Container>): string {
  return labelOf(container, LABELS.head) || labelOf(container, LABELS.snapshot);
}

/** Notes that a container goes on from a snapshot. */
export async function moveHead(api: ContainerdApi, id: string, snapshotId: string): Promise<void> {
  const labels = [{ key: LABELS.head, value: snapshotId }];
  const updateMask = { paths: [`labels.${LABELS.head}`] };
  await api.call('Containers/Update', { container: { id, labels }, updateMask });
}
