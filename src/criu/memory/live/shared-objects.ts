// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync } from 'node:fs';
import { MAP_NORESERVE, PAGE } from '../../../native/abi/index.js';
import { assertInvariant } from '../../../common/errors.js';
import { syscall } from '../../../native/index.js';
import { SYS } from '../../../native/sys.js';
import {
  objectOfSegment,
  wholePages,
  type FoundObject,
  type MappedArea,
  type ObjectFile,
} from '../memory-map.js';
import { appendRun, type PageRun } from '../page-runs.js';
import { mappedLink } from './process.js';
import type { Owner } from './same-pages.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** A System V shared memory segment of a live container, by its id. */
export interface LiveSegment extends Pick<ObjectFile, 'tail' | 'path'> {
  readonly id: number;
}

/**
 * The shared anonymous objects that processes map. Each of their mappings leads to the whole object, including what
 * none of them shows: a process can get at that again (mremap(2)).
 *
 * @param segments what else is to be known of System V segments; those without a mapping are shared objects, too
 */
export function findShared(
  owners: readonly Owner[],
  segments: readonly LiveSegment[] = [],
): FoundObject[] {
  const found = new Map<
    bigint,
    { readonly owner: Owner; readonly area: MappedArea; reach: bigint }
  >();
  for (const owner of owners) {
    for (const area of owner.map.areas) {
      if (area.kind !== 'anonymous-shared') continue;
      const reach = area.offset + (area.end - area.start);
      const before = found.get(area.object);
      if (!before) found.set(area.object, { owner, area, reach });
      else if (reach > before.reach) before.reach = reach;
    }
  }
  const live = new Map(segments.map((segment) => [objectOfSegment(BigInt(segment.id)), segment]));
  const mapped = [...found].map(
    ([
      id,
      {
        owner: { process },
        area,
        reach,
      },
    ]) => {
      const { tail } = live.get(id) ?? {};
      const mapping = { pid: process.nsPid, start: area.start, end: area.end };
      const isUnreserved = (area.flags & MAP_NORESERVE) !== 0;
      const { size, ...measured } = measure(mappedLink(process.pid, area), tail);
      return { id, size, reach: reach > size ? reach : size, isUnreserved, mapping, ...measured };
    },
  );
  const others = [...live].filter(([id]) => !found.has(id));
  return [...mapped, ...others.map(([id, segment]) => looseObject(id, segment))];
}

/** What no process has mapped: a segment that nobody has attached, or content of a file. */
export function looseObject(id: bigint, { path, tail }: Omit<LiveSegment, 'id'>): FoundObject {
  assertInvariant(path !== undefined, 'what nobody has mapped is open');
  const { file, ...measured } = measure(path, tail);
  const other = { reach: measured.size, isUnreserved: false, mapping: undefined };
  return { id, ...measured, ...other, file: { ...file, path } };
}

/** How large an object is, in whole pages, and where it has content. */
function measure(
  link: string,
  tail?: Uint8Array,
): Pick<FoundObject, 'size' | 'runs'> & { readonly file: ObjectFile } {
  const fd = openSync(link, 'r');
  try {
    const { size: bytes } = fstatSync(fd, { bigint: true });
    const size = wholePages(bytes);
    const file = tail ? { bytes, tail } : { bytes };
    return { size, runs: dataRuns(fd, bytes, size), file };
  } finally {
    closeSync(fd);
  }
}

/** The pages in which a sparse file has data (lseek(2)). */
function dataRuns(fd: number, bytes: bigint, size: bigint): PageRun[] {
  const runs: PageRun[] = [];
  for (let at = 0n; at < bytes;) {
    const data = BigInt(syscall(SYS.lseek, fd, at, SEEK_DATA));
    if (data < 0n || data >= bytes) break;
    const hole = BigInt(syscall(SYS.lseek, fd, data, SEEK_HOLE));
    const end = hole < 0n || hole >= bytes ? size : wholePages(hole);
    appendRun(runs, data - (data % PAGE), end);
    at = end;
  }
  return runs;
}
