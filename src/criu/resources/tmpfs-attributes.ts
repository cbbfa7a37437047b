// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { syscall } from '../../native/index.js';
import { SYS, call, check } from '../../native/sys.js';
import { isExtendedAttribute, MAX_ATTRIBUTE } from '../image/constants.js';
import { cPath } from './files/system.js';

/** An extended attribute; an ACL is one, too (xattr(7), acl(5)). */
export interface Attribute {
  /** A string of bytes: one character each. */
  readonly name: string;
  readonly value: Uint8Array;
}

/** XATTR_LIST_MAX of linux/limits.h is the same. */
const MOST_BYTES = MAX_ATTRIBUTE;
const EOPNOTSUPP = -95;
/** As libarchive records them in pax headers: names percent-encoded, values in base64. */
const KEY = 'LIBARCHIVE.xattr.';
/** Labels belong to the mount and the live spec. */
const LABELS = /^security\.(selinux|SMACK64)/;

const room = Buffer.alloc(MOST_BYTES);

/**
 * All extended attributes of a file except for its security label.
 *
 * @param path a path of our own; if its last component is a symbolic link, it is not followed
 */
export function readAttributes(path: string): Attribute[] {
  return read(path, { list: SYS.llistxattr, get: SYS.lgetxattr });
}

/** The same of the file that a descriptor of ours refers to; it may be an O_PATH descriptor. */
export function readAttributesOf(fd: number): Attribute[] {
  return read(`/proc/self/fd/${String(fd)}`, { list: SYS.listxattr, get: SYS.getxattr });
}

function read(path: string, calls: { readonly list: number; readonly get: number }): Attribute[] {
  const at = cPath(path);
  const length = syscall(calls.list, at, room, MOST_BYTES);
  if (length === EOPNOTSUPP || length === 0) return [];
  const list = room.toString('latin1', 0, check('list extended attributes', length));
  const names = list.split('\0').filter((name) => name !== '' && !LABELS.test(name));
  return names.map((name) => {
    const got = syscall(calls.get, at, nameBytes(name), room, MOST_BYTES);
    const size = check(`read the extended attribute ${name}`, got);
    return { name, value: Uint8Array.from(room.subarray(0, size)) };
  });
}

/** Sets extended attributes, without following a symbolic link. */
export function writeAttributes(path: string, attributes: readonly Attribute[]): void {
  for (const { name, value } of attributes) {
    const args = [cPath(path), nameBytes(name), value, value.length, 0] as const;
    call(`set the extended attribute ${name}`, SYS.lsetxattr, ...args);
  }
}

/** Records for a pax header. */
export function toPax(attributes: readonly Attribute[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ name, value }) => [
      KEY + encodeURIComponent(name),
      Buffer.from(value).toString('base64'),
    ]),
  );
}

/** What {@link toPax} has recorded. Throws ShimError `dataLoss` for what it would not record. */
export function fromPax(pax: unknown): Attribute[] {
  if (typeof pax !== 'object' || pax === null) return [];
  return Object.entries(pax).flatMap(([key, text]: [string, unknown]) => {
    if (!key.startsWith(KEY)) return [];
    const name = decodeName(key.slice(KEY.length));
    const value = Buffer.from(typeof text === 'string' ? text : '', 'base64');
    if (!isExtendedAttribute(name, value.length)) {
      badImage(`${JSON.stringify(key)} is not an extended attribute`);
    }
    return [{ name, value }];
  });
}

/** Approximate bytes that attributes take in an archive. */
export function sizeOf(attributes: readonly Attribute[]): number {
  return attributes.reduce(
    (sum, { name, value }) => sum + 32 + 3 * name.length + 2 * value.length,
    0,
  );
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return badImage(`${JSON.stringify(text)} names no extended attribute`);
  }
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(`${name}\0`, 'latin1');
}
