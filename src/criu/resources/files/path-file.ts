// SPDX-License-Identifier: Apache-2.0
import { fstatSync, lstatSync, type BigIntStats } from 'node:fs';
import { closeFd } from '../../../native/sys.js';
import type { FownEntry } from '../../image/types.js';
import type { LookAt } from '../../tracee/tracee.js';
import { O } from '../../../native/abi/index.js';
import type { DumpContext } from './dump-context.js';
import type { OpenFile } from './open-file.js';
import { dumpOwner, noOwner } from './owner.js';
import { mountIdOf, openOwn, ownLink } from './system.js';

/** Any file with a path: what is needed to find it again. */
export interface PathFile {
  readonly where: string;
  /** A descriptor of our own on it; O_PATH is enough if no content is needed. */
  readonly own: number;
  readonly stat: BigIntStats;
  readonly link: string;
  readonly mountId: number;
  readonly flags: number;
  readonly pos: bigint;
  readonly fown: FownEntry;
}

/** An open file as a {@link PathFile}. */
export function pathFileOf(context: DumpContext, file: OpenFile): PathFile {
  const { where, own, stat, link, flags, info } = file;
  const fown = dumpOwner(context, file);
  return { where, own, stat, link, mountId: info.mountId, flags, pos: info.pos, fown };
}

/** Opens and describes the target of a link of /proc; the caller closes `own`. */
export function pathFileOfLink(
  path: string,
  where: string,
  flags: number,
  lookAt?: LookAt,
): PathFile {
  const own = openOwn(path, O.path);
  try {
    const link = ownLink(own);
    lookAt?.(where, link);
    const stat = fstatSync(own, { bigint: true });
    const mountId = mountIdOf(own);
    return { where, own, stat, link, mountId, flags, pos: 0n, fown: noOwner() };
  } catch (error) {
    closeFd(own);
    throw error;
  }
}

/** Whether the file behind a link of /proc/PID/map_files was opened for writing. */
export function linkIsWritable(path: string): boolean {
  return (lstatSync(path).mode & 0o200) !== 0;
}
