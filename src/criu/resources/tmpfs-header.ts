// SPDX-License-Identifier: Apache-2.0
import type { Header as TarHeader } from 'tar-stream';
import { badImage } from '../../common/errors.js';
import { toPax, type Attribute } from './tmpfs-attributes.js';

/** An entry of an archive as it is written. */
export type Named = Partial<TarHeader> & Pick<TarHeader, 'name'>;

/** A file without its content and its extended attributes. */
export interface Inode {
  readonly uid: number;
  readonly gid: number;
  /** Permissions, without the type. */
  readonly mode: number;
  /** Nanoseconds since 1970; may be negative. */
  readonly mtimeNs: bigint;
}

/** What lstat(2) says of a file. */
export interface InodeStat {
  readonly uid: bigint;
  readonly gid: bigint;
  /** With its type. */
  readonly mode: bigint;
  readonly mtimeNs: bigint;
}

const SECOND = 1_000_000_000n;
const PERMISSIONS = 0o7777;
/** (uid_t)-1 is nobody's. */
const MOST_ID = 0xfffffffe;
/** The largest number that tar-stream writes into the fields of ustar without truncating it. */
const USTAR_ID = 0o777777;
const USTAR_SECONDS = 0x7fffffffn;

/** The header of a file. What does not fit into ustar is in its pax records (pax(1)). Pure. */
export function headerOf(
  name: string,
  { uid, gid, mode, mtimeNs }: InodeStat,
  attributes: readonly Attribute[],
): Named {
  const seconds = mtimeNs / SECOND;
  const isCommon = seconds >= 0n && seconds <= USTAR_SECONDS;
  return {
    name,
    // With the type, which is not written: tar-stream takes 0 permissions for none given.
    mode: Number(mode),
    uid: Math.min(Number(uid), USTAR_ID),
    gid: Math.min(Number(gid), USTAR_ID),
    mtime: new Date(isCommon ? Number(seconds) * 1000 : 0),
    pax: {
      ...(uid > USTAR_ID ? { uid: String(uid) } : {}),
      ...(gid > USTAR_ID ? { gid: String(gid) } : {}),
      mtime: decimal(mtimeNs),
      ...toPax(attributes),
    },
  };
}

/** The inverse of {@link headerOf}. Pure. @throws ShimError `dataLoss` for what it would not write */
export function inodeOf({ uid, gid, mode, mtime, pax }: Named): Inode {
  const records: object = typeof pax === 'object' && pax !== null ? pax : {};
  const exact = recordOf(records, 'mtime');
  return {
    uid: idOf(recordOf(records, 'uid'), uid),
    gid: idOf(recordOf(records, 'gid'), gid),
    mode: (mode ?? 0) & PERMISSIONS,
    mtimeNs: exact === undefined ? BigInt(mtime?.getTime() ?? 0) * 1_000_000n : nanoseconds(exact),
  };
}

function recordOf(records: object, key: string): string | undefined {
  const value = (records as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' ? value : undefined;
}

function idOf(record: string | undefined, field = 0): number {
  const id = record === undefined ? field : Number(record);
  const isId = Number.isInteger(id) && id >= 0 && id <= MOST_ID;
  return isId ? id : badImage(`${JSON.stringify(record ?? field)} in an archive is not an owner`);
}

function decimal(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % SECOND).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${String(size / SECOND)}.${fraction}`;
}

function nanoseconds(text: string): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined) return badImage(`${JSON.stringify(text)} in an archive is not a time`);
  const size = BigInt(whole) * SECOND + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -size : size;
}
