// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readSync, type BigIntStats } from 'node:fs';
import { syscall } from '../../../../native/index.js';
import { check, closeFd, SYS } from '../../../../native/sys.js';
import type { GhostChunk } from '../../../image/ghost.js';
import { O, S_IF, SEEK } from '../../../../native/abi/index.js';
import { MAX_CONTENT_BYTES, type DumpContext } from '../dump-context.js';
import { ghostEntry } from './inode-attributes.js';
import { isLeased } from '../locks.js';
import { inodeKey } from '../open-file.js';
import { openOwn } from '../system.js';

const MIB = 1024 * 1024;
const ENXIO = -6;

/**
 * Dumps the content of files that no longer have a name, each inode once. Returns the remap id, or undefined if it
 * was refused.
 */
export class Ghosts {
  readonly #context: DumpContext;
  readonly #ids = new Map<string, number>();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** `own` is a descriptor of ours, whose position is not changed. `where` names it in a refusal. */
  dump(own: number, stat: BigIntStats, where: string): number | undefined {
    const key = inodeKey(stat);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const content = this.#content(own, stat, where);
    if (!content) return undefined;
    const id = this.#context.nextId();
    this.#ids.set(key, id);
    this.#context.image.ghosts.set(id, { entry: ghostEntry(own, stat), content });
    return id;
  }

  #content(own: number, stat: BigIntStats, where: string): GhostChunk[] | undefined {
    if ((Number(stat.mode) & S_IF.mask) !== S_IF.reg) return [];
    // Refused anyway, and opening it would break the lease.
    if (isLeased(this.#context, stat)) return [];
    const content = readContent(own, (bytes) => this.#context.takeContent(bytes));
    if (content) return content;
    const most = String(MAX_CONTENT_BYTES / MIB);
    this.#context.refusals.add(
      where,
      `deleted files and memfds hold more than ${most} MiB; remedy: close or shrink them`,
    );
    return undefined;
  }
}

/**
 * Everything that a file contains except for holes. `take` is asked for room before each piece is read; once it
 * says no, the result is undefined.
 */
function readContent(own: number, take: (bytes: number) => boolean): GhostChunk[] | undefined {
  const fd = openOwn(`/proc/self/fd/${String(own)}`, O.rdonly | O.noatime);
  try {
    const size = fstatSync(fd).size;
    const chunks: GhostChunk[] = [];
    for (let at = 0; at < size;) {
      const start = syscall(SYS.lseek, fd, at, SEEK.data);
      if (start === ENXIO) break;
      const end = check('find a hole', syscall(SYS.lseek, fd, start, SEEK.hole));
      const from = check('find data', start);
      if (!take(end - from)) return undefined;
      chunks.push({ offset: BigInt(from), data: readAll(fd, from, end - from) });
      at = end;
    }
    return chunks;
  } finally {
    closeFd(fd);
  }
}

function readAll(fd: number, offset: number, length: number): Uint8Array {
  const data = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const got = readSync(fd, data, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return data;
}

/** Magic of hugetlbfs in statfs(2). */
const HUGETLBFS = 0x958458f6n;

/** Whether a file is made of huge pages. */
export function isHugetlb(own: number): boolean {
  const statfs = new BigUint64Array(15);
  check('statfs', syscall(SYS.fstatfs, own, statfs));
  return statfs[0] === HUGETLBFS;
}
