// SPDX-License-Identifier: Apache-2.0
import type { IdMap, IdMaps } from '../procfs/id-map.js';

/** Fields of messages that are ids of users, or of groups, whatever the message. */
const FIELDS: ReadonlyMap<string, keyof IdMaps> = new Map([
  ...['uid', 'euid', 'cuid', 'mvas_uid', 'mvas_peer_uid'].map((name) => [name, 'users'] as const),
  ...['gid', 'cgid', 'mvas_gid', 'mvas_peer_gid'].map((name) => [name, 'groups'] as const),
]);

/** What becomes of an id that the user namespace does not have. */
type Unmapped = 'refuse' | 'omit';

/**
 * Entries of an image with the ids of the container's user namespace in place of those of the host: everything is read from
 * outside, and an image has the container's ids.
 *
 * @throws ShimError `failedPrecondition` for an id that the namespace does not have, unless it is to be omitted
 */
export function insideIds<T>(entries: T, maps: IdMaps, unmapped: Unmapped = 'refuse'): T {
  if (Array.isArray(entries)) {
    return entries.map((entry: unknown) => insideIds(entry, maps, unmapped)) as T;
  }
  if (typeof entries !== 'object' || entries === null) return entries;
  if (ArrayBuffer.isView(entries) || isNobodys(entries)) return entries;
  const fields = Object.entries(entries).map(([name, value]: [string, unknown]) => {
    const map = FIELDS.get(name);
    if (map === undefined || typeof value !== 'number')
      return [name, insideIds(value, maps, unmapped)];
    return [name, inside(value, maps[map], unmapped)];
  });
  return Object.fromEntries(fields) as T;
}

function inside(id: number, map: IdMap, unmapped: Unmapped): number | undefined {
  return unmapped === 'omit' && !map.has(id) ? undefined : map.toInside(id);
}

/** Whether it is the owner for signals of a file that has none (`fown_entry`). */
function isNobodys(entry: object): boolean {
  return 'signum' in entry && 'pid' in entry && entry.pid === 0;
}
