// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readSync, type BigIntStats } from 'node:fs';
import { syscall } from '../../../../native/index.js';
import { check, closeFd, SYS } from '../../../../native/sys.js';
import type { GhostChunk } from '../../../image/ghost.js';
import { O, S_IF, SEEK } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import { ghostEntry } from './inode-attributes.js';
import { isLeased } from '../locks.js';
import { inodeKey } from '../open-file.js';
import { openOwn } from '../system.js';
import { StoredContents } from './stored-contents.js';

/** Files with more data lie in the VAS, and so do those that find no room in the image. */
const MAX_IN_IMAGE = 64 * 1024;
const ENXIO = -6;

/** Dumps the content of files that no longer have a name, each inode once. */
export class Ghosts {
  readonly #context: DumpContext;
  readonly #ids = new Map<string, number>();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** `own` is a descriptor of ours, whose position is not changed. Returns the remap id. */
  dump(own: number, stat: BigIntStats): number {
    const key = inodeKey(stat);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#context.nextId();
    this.#ids.set(key, id);
    const content = this.#content(id, own, stat);
    this.#context.image.ghosts.set(id, {
      entry: ghostEntry(own, stat, this.#context.maps),
      content,
    });
    return id;
  }

  #content(id: number, own: number, stat: BigIntStats): GhostChunk[] {
    if ((Number(stat.mode) & S_IF.mask) !== S_IF.reg) return [];
    // Refused anyway, and opening it would break the lease.
    if (isLeased(this.#context, stat)) return [];
    const fd = openOwn(`/proc/self/fd/${String(own)}`, O.rdonly | O.noatime);
    const contents = this.#context.shared(StoredContents);
    let room = MAX_IN_IMAGE;
    const content = readContent(fd, (bytes) => {
      room -= bytes;
      return room >= 0 && this.#context.takeContent(bytes);
    });
    if (content) closeFd(fd);
    else contents.add(id, fd);
    return content ?? [];
  }
}

/**
 * Everything that a file contains except for holes. `take` is asked for room before each piece is read; once it
 * says no, the result is undefined.
 */
function readContent(fd: number, take: (bytes: number) => boolean): GhostChunk[] | undefined {
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
