// SPDX-License-Identifier: Apache-2.0
import type { VasEntry } from '../../criu/index.js';
import type { VasStore } from '../vas-store.js';

/** The VASes of this host, newest first. */
export async function listAll(store: VasStore): Promise<readonly VasEntry[]> {
  return [...(await store.list())].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}
