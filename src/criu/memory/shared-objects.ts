// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync } from 'node:fs';
import { syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import type { TracedProcess } from '../tracee/tracee.js';
import type { Area } from './area.js';
import type { PageRun } from './page-runs.js';
import type { SharedObject } from './snapshot.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** A shared object, before it has a place. */
export type FoundObject = Omit<SharedObject, 'place'>;

/**
 * The shared anonymous objects that processes map. Any of their mappings leads to the whole of an
 * object, also to what none of them shows: a process can get at that again (mremap(2)).
 */
export function findShared(
  mapped: readonly { readonly process: TracedProcess; readonly areas: readonly Area[] }[],
): FoundObject[] {
  const found = new Map<bigint, { link: string; reach: bigint }>();
  const all = mapped.flatMap(({ process, areas }) => areas.map((area) => ({ process, ...area })));
  for (const { process, vma } of all.filter(({ kind }) => kind === 'anonymous-shared')) {
    const end = vma.offset + (vma.end - vma.start);
    const before = found.get(vma.inode);
    const reach = before && before.reach > end ? before.reach : end;
    const range = `${vma.start.toString(16)}-${vma.end.toString(16)}`;
    const link = before?.link ?? `/proc/${String(process.pid)}/map_files/${range}`;
    found.set(vma.inode, { link, reach });
  }
  return [...found].map(([id, object]) => ({ id, ...object, ...measure(object) }));
}

/** How large an object is, and what is in it. */
function measure({ link, reach }: { readonly link: string; readonly reach: bigint }) {
  const fd = openSync(link, 'r');
  try {
    const { size } = fstatSync(fd, { bigint: true });
    return { size, reach: reach > size ? reach : size, runs: dataRuns(fd, size) };
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
