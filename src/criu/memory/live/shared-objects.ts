// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync } from 'node:fs';
import { MAP_NORESERVE } from '../../../native/abi/index.js';
import { syscall } from '../../../native/index.js';
import { SYS } from '../../../native/sys.js';
import type { FoundObject, MappedArea } from '../memory-map.js';
import type { PageRun } from '../page-runs.js';
import { mappedLink } from './process.js';
import type { Owner } from './same-pages.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * The shared anonymous objects that processes map. Each of their mappings leads to the whole object, including what
 * none of them shows: a process can get at that again (mremap(2)).
 */
export function findShared(owners: readonly Owner[]): FoundObject[] {
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
  return [...found.values()].map(({ owner: { process }, area, reach }) => {
    const { size, runs } = measure(mappedLink(process.pid, area));
    const mapping = { pid: process.nsPid, start: area.start, end: area.end };
    const isUnreserved = (area.flags & MAP_NORESERVE) !== 0;
    return {
      id: area.object,
      size,
      reach: reach > size ? reach : size,
      isUnreserved,
      runs,
      mapping,
    };
  });
}

/** How large an object is, and where it has content. */
function measure(link: string): Pick<FoundObject, 'size' | 'runs'> {
  const fd = openSync(link, 'r');
  try {
    const { size } = fstatSync(fd, { bigint: true });
    return { size, runs: dataRuns(fd, size) };
  } finally {
    closeSync(fd);
  }
}

/** Where a sparse file has data (lseek(2)). */
function dataRuns(fd: number, size: bigint): PageRun[] {
  const runs: PageRun[] = [];
  for (let at = 0n; at < size;) {
    const data = BigInt(syscall(SYS.lseek, fd, at, SEEK_DATA));
    if (data < 0n || data >= size) break;
    const hole = BigInt(syscall(SYS.lseek, fd, data, SEEK_HOLE));
    const end = hole < 0n || hole > size ? size : hole;
    runs.push({ start: data, length: end - data });
    at = end;
  }
  return runs;
}
