// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from '../../../plan/row.js';
import type { BigIntStats } from 'node:fs';
import { SYS } from '../../../../native/sys.js';
import type { GhostFile } from '../../../image/ghost.js';
import type { IdMaps } from '../../../procfs/id-map.js';
import { insideAttributes } from '../../attribute-ids.js';
import { readAttributesOf } from '../../tmpfs-attributes.js';
import { SEEK } from '../../../../native/abi/index.js';
import type { Stage } from '../stage.js';
import { planStoredContent } from './stored-contents.js';

const NANOSECONDS = 1_000_000_000n;
const PERMISSIONS = 0o7777;

/** Fields of an image for the owner and permissions of something without a file of its own, such as a pipe. */
export interface InodeOwner {
  readonly mvas_uid?: number | undefined;
  readonly mvas_gid?: number | undefined;
  readonly mvas_mode?: number | undefined;
}

/** What fstat(2) says of them. */
export function inodeOwnerOf(stat: BigIntStats): {
  readonly [K in keyof Required<InodeOwner>]: number;
} {
  return {
    mvas_uid: Number(stat.uid),
    mvas_gid: Number(stat.gid),
    mvas_mode: Number(stat.mode) & PERMISSIONS,
  };
}

/** Sets owner and permissions of an open file; those that the image does not have stay. */
export function planInodeOwner(
  stage: Stage,
  what: string,
  number: Descriptor,
  { mvas_uid: uid, mvas_gid: gid, mvas_mode: mode }: InodeOwner,
): void {
  if (uid !== undefined && gid !== undefined) {
    stage.run(`${what}: owner`, SYS.fchown, [number, uid, gid]);
  }
  // After the owner, since a change of owner clears set-user-ID bits.
  if (mode !== undefined) stage.run(`${what}: mode`, SYS.fchmod, [number, mode & PERMISSIONS]);
}

/**
 * Attributes of a file that has no name in the image. `own` is a descriptor of ours; O_PATH is enough. Its ids are the
 * host's, except for those within extended attributes.
 */
export function ghostEntry(own: number, stat: BigIntStats, maps: IdMaps): GhostFile['entry'] {
  return {
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mode: Number(stat.mode),
    dev: Number(stat.dev & 0xffffffffn),
    ino: stat.ino,
    rdev: Number(stat.rdev),
    atim: timeval(stat.atimeNs),
    mtim: timeval(stat.mtimeNs),
    size: stat.size,
    mvas_atim_nsec: Number(split(stat.atimeNs).nanoseconds),
    mvas_mtim_nsec: Number(split(stat.mtimeNs).nanoseconds),
    mvas_xattrs: insideAttributes(readAttributesOf(own), maps).map(({ name, value }) => ({
      name: Buffer.from(name, 'latin1'),
      value,
    })),
    mvas_runs: [],
  };
}

/** Size and content of a new file. */
export function planContent(
  stage: Stage,
  number: number,
  what: string,
  { size, content }: { readonly size: bigint; readonly content: GhostFile | undefined },
): void {
  if (size > 0n) stage.run(`${what}: size`, SYS.ftruncate, [number, size]);
  if (content) planStoredContent(stage, number, what, { size, entry: content.entry });
  for (const { offset, data } of content?.content ?? []) {
    stage.run(`${what}: seek`, SYS.lseek, [number, offset, SEEK.set], Number(offset));
    stage.sequence.write(`${what}: content`, number, stage.builder.data(data, 1), data.length);
  }
}

/** Owner, permissions, extended attributes and times of a new file; set once its content is there. */
export function planFileAttributes(
  stage: Stage,
  number: number,
  what: string,
  { uid, gid, mode, mvas_xattrs, ...times }: GhostFile['entry'],
): void {
  planInodeOwner(stage, what, number, { mvas_uid: uid, mvas_gid: gid, mvas_mode: mode });
  const { builder } = stage;
  for (const { name, value } of mvas_xattrs) {
    const key = builder.data(Buffer.concat([name, Buffer.of(0)]), 1);
    const args = [number, key, builder.data(value, 1), value.length, 0];
    stage.run(`${what}: extended attribute ${latin1(name)}`, SYS.fsetxattr, args);
  }
  const { atim, mtim } = times;
  if (!atim || !mtim) return;
  const both = new BigUint64Array([
    ...timespec(atim, times.mvas_atim_nsec),
    ...timespec(mtim, times.mvas_mtim_nsec),
  ]);
  const at = builder.data(new Uint8Array(both.buffer));
  stage.run(`${what}: times`, SYS.utimensat, [number, null, at, 0]);
}

type Timeval = NonNullable<GhostFile['entry']['atim']>;

/** Seconds may be before 1970; fractions count from the whole second before. */
function split(time: bigint): { readonly seconds: bigint; readonly nanoseconds: bigint } {
  const nanoseconds = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return { seconds: BigInt.asUintN(64, (time - nanoseconds) / NANOSECONDS), nanoseconds };
}

function timeval(time: bigint): Timeval {
  const { seconds, nanoseconds } = split(time);
  return { tv_sec: seconds, tv_usec: nanoseconds / 1000n };
}

function timespec({ tv_sec, tv_usec }: Timeval, nsec: number | undefined): [bigint, bigint] {
  return [tv_sec, nsec === undefined ? tv_usec * 1000n : BigInt(nsec)];
}

function latin1(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1');
}
