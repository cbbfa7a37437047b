// SPDX-License-Identifier: Apache-2.0
import type { Segment, VasEntry } from '../../criu/index.js';
import { resolveVas } from '../resolve.js';
import type { VasStore } from '../vas-store.js';

/** A VAS, and what it holds. */
export interface Inspected {
  readonly vas: VasEntry;
  readonly segments: readonly Segment[];
}

/** Looks at VASes that a person names. @throws ShimError `notFound`, `invalidArgument` if any name is unclear */
export async function inspectAll(
  store: VasStore,
  wanted: readonly string[],
): Promise<readonly Inspected[]> {
  const entries = await store.list();
  const ids = wanted.map((one) => resolveVas(entries, one).id);
  const found: Inspected[] = [];
  for (const id of ids) {
    const vas = await store.inspect(id);
    found.push({ vas, segments: vas.record ? store.segments(vas.record) : [] });
  }
  return found;
}
