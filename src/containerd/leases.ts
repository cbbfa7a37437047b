// SPDX-License-Identifier: Apache-2.0
import { listSnapshots } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { dropOrphans } from './changes.js';
import { hasEnded, LEASES } from './lease-owner.js';
import { decodeTemplate } from './template.js';

/** Deletes the leases of killed processes; what only they kept is collected by containerd. */
export async function deleteDeadLeases(api: ContainerdApi): Promise<void> {
  const { leases } = await api.call('Leases/List', {});
  for (const { id = '', labels = [] } of leases) {
    if (id.startsWith(LEASES) && hasEnded(labels)) await api.call('Leases/Delete', { id });
  }
}

/** Removes files of snapshots that are no more, or never came to be, from the snapshotters that containers have. */
export async function deleteDeadFiles(api: ContainerdApi): Promise<void> {
  const { containers } = await api.call('Containers/List', {});
  const templates = listSnapshots(api.place.namespace).map(({ template }) =>
    decodeTemplate(template),
  );
  const used = [...containers, ...templates.map(({ container }) => container)];
  const snapshotters = new Set(used.map(({ snapshotter = '' }) => snapshotter).filter(Boolean));
  await dropOrphans(api, snapshotters, new Set(templates.map(({ parent }) => parent)));
}
