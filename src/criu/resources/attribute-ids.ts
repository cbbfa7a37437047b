// SPDX-License-Identifier: Apache-2.0
import type { IdMap, IdMaps } from '../procfs/id-map.js';
import type { Attribute } from './tmpfs-attributes.js';

/*
 * Ids within extended attributes: those of ACLs (linux/posix_acl_xattr.h), and the root that capabilities of a file belong
 * to (linux/capability.h). The host reads and sets them by its ids, the container by its own.
 */

const ACLS: ReadonlySet<string> = new Set(['system.posix_acl_access', 'system.posix_acl_default']);
/** A header, then entries: tag, permissions, id. */
const ACL = { header: 4, entry: 8, id: 4, user: 0x02, group: 0x08 } as const;
const CAPABILITY = 'security.capability';
/** Revisions, which the highest byte of the first word tells: the third ends with the id of a root other than 0. */
const REVISION = { mask: 0xff000000, second: 0x02000000, third: 0x03000000 } as const;
const SIZE = { second: 20, third: 24 } as const;

/**
 * Extended attributes as the processes of a user namespace see them, in place of what the host sees.
 *
 * @throws ShimError `failedPrecondition` for an id that the namespace does not have
 */
export function insideAttributes(all: readonly Attribute[], maps: IdMaps): Attribute[] {
  return translate(all, maps, (map) => (id) => map.toInside(id));
}

/** The reverse of {@link insideAttributes}. @throws ShimError `failedPrecondition` */
export function outsideAttributes(all: readonly Attribute[], maps: IdMaps): Attribute[] {
  return translate(all, maps, (map) => (id) => map.toOutside(id));
}

type Translation = (id: number) => number;

function translate(
  all: readonly Attribute[],
  { users, groups }: IdMaps,
  by: (map: IdMap) => Translation,
): Attribute[] {
  if (users.isIdentity && groups.isIdentity) return [...all];
  const [user, group] = [by(users), by(groups)];
  return all.map(({ name, value }) => {
    if (ACLS.has(name)) return { name, value: translateAcl(value, user, group) };
    if (name === CAPABILITY) return { name, value: translateCapability(value, user) };
    return { name, value };
  });
}

function translateAcl(value: Uint8Array, user: Translation, group: Translation): Uint8Array {
  const bytes = Buffer.from(value);
  for (let at = ACL.header; at + ACL.entry <= bytes.length; at += ACL.entry) {
    const tag = bytes.readUInt16LE(at);
    const by = tag === ACL.user ? user : tag === ACL.group ? group : undefined;
    const place = at + ACL.id;
    if (by) bytes.writeUInt32LE(by(bytes.readUInt32LE(place)), place);
  }
  return new Uint8Array(bytes);
}

/** Root is told only where it is another than 0. */
function translateCapability(value: Uint8Array, user: Translation): Uint8Array {
  const bytes = Buffer.from(value);
  const revision = bytes.length >= SIZE.second ? bytes.readUInt32LE(0) & REVISION.mask : 0;
  const hasRoot = revision === REVISION.third && bytes.length === SIZE.third;
  if (!hasRoot && revision !== REVISION.second) return value;
  const root = user(hasRoot ? bytes.readUInt32LE(SIZE.second) : 0);
  const flags = bytes.readUInt32LE(0) & ~REVISION.mask;
  const result = Buffer.alloc(root === 0 ? SIZE.second : SIZE.third);
  bytes.copy(result, 0, 0, SIZE.second);
  result.writeUInt32LE((flags | (root === 0 ? REVISION.second : REVISION.third)) >>> 0, 0);
  if (root !== 0) result.writeUInt32LE(root, SIZE.second);
  return new Uint8Array(result);
}
