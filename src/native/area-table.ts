// SPDX-License-Identifier: Apache-2.0

/** The areas of memory in a file like /proc/PID/smaps, as the addon reads them. */
export interface AreaTable {
  /** {@link AREA_SIZE} bytes for each area, whose fields {@link AREA} names. */
  readonly areas: ArrayBuffer;
  /** Lines that areas refer to by number, from 0 on. */
  readonly texts: Uint8Array;
  /** A line that no kernel writes; undefined if there is none. */
  readonly wrong: Uint8Array | undefined;
}

/** Bytes of an area. Kept in step with native/src/areas.cc. */
export const AREA_SIZE = 80;

/** Where the fields of an area lie: by words of eight bytes, or of four. */
export const AREA = {
  start: 0,
  end: 1,
  offset: 2,
  inode: 3,
  /** Of four bytes, up to `flags`. `name` and `flags` are numbers of texts. */
  major: 8,
  minor: 9,
  permissions: 10,
  protectionKey: 11,
  name: 12,
  flags: 13,
  /** Doubles, as words of eight bytes; they count bytes. */
  rss: 7,
  anonHugePages: 8,
  swap: 9,
} as const;

/** Bits of `permissions`. */
export const PERMISSION = { read: 1, write: 2, exec: 4, shared: 8 } as const;
