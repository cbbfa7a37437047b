// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi } from './api.js';
import { hasEnded, LEASES } from './lease-owner.js';

/** Deletes the leases of killed processes; what only they kept is collected by containerd. */
export async function deleteDeadLeases(api: ContainerdApi): Promise<void> {
  const { leases } = await api.call('Leases/List', {});
  for (const { id = '', labels = [] } of leases) {
    if (id.startsWith(LEASES) && hasEnded(labels)) await api.call('Leases/Delete', { id });
  }
}
