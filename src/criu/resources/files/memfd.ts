// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs';
import { SYS } from '../../../native/sys.js';
import { badImage } from '../../../common/errors.js';
import type { GhostFile } from '../../image/ghost.js';
import type { MemfdFileEntry, MemfdInodeEntry } from '../../image/types.js';
import { F, O, SEEK, SETTABLE } from './abi.js';
import type { DumpContext } from './dump-context.js';
import { isHugetlb, type Ghosts } from './ghost.js';
import { inodeKey, type OpenFile } from './open-file.js';
import { dumpOwner } from './owner.js';
import { canWrite, type StagedEnd } from './pipe.js';
import type { Stage } from './stage.js';
import { fcntl } from './system.js';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const PREFIX = '/memfd:';
const F_SEAL_FUTURE_WRITE = 0x10;
const MAX_NAME = 249;
/** All seals there are (F_SEAL_*, up to F_SEAL_EXEC). */
const ALL_SEALS = 0x3f;

export function isMemfdLink(link: string): boolean {
  return link.startsWith(PREFIX);
}

/** Memory behind memfds: each inode once, its content like that of a deleted file. */
export class Memfds {
  readonly #context: DumpContext;
  readonly #ghosts: Ghosts;
  readonly #ids = new Map<string, number>();

  constructor(context: DumpContext, ghosts: Ghosts) {
    this.#context = context;
    this.#ghosts = ghosts;
  }

  dump(file: OpenFile): MemfdFileEntry | undefined {
    const inode = this.inode(file.own, file.stat, file.link, file.where);
    if (inode === undefined) return undefined;
    const fown = dumpOwner(this.#context, file);
    return { id: file.id, flags: file.flags, pos: file.info.pos, fown, inode_id: inode };
  }

  /** Id of the memory a descriptor of ours leads to; undefined when it was refused. */
  inode(own: number, stat: BigIntStats, link: string, where: string): number | undefined {
    const known = this.#ids.get(inodeKey(stat));
    if (known !== undefined) return known;
    if (isHugetlb(own)) {
      this.#context.refusals.add(where, 'a memfd of huge pages (MFD_HUGETLB) cannot be restored');
      return undefined;
    }
    const seals = Math.max(fcntl(own, F.getSeals), 0);
    const ends = this.#context.open.ofInode(stat);
    if (seals & F_SEAL_FUTURE_WRITE && !ends.some((end) => canWrite(end.flags))) {
      const reason = 'a memfd sealed by F_SEAL_FUTURE_WRITE with no writable descriptor left';
      this.#context.refusals.add(where, `${reason} cannot be restored`);
      return undefined;
    }
    const content = this.#ghosts.dump(own, stat, where);
    if (content === undefined) return undefined;
    this.#ids.set(inodeKey(stat), content);
    this.#context.image.memfds.push({
      name: link.slice(PREFIX.length).replace(/ \(deleted\)$/, ''),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: stat.size,
      shmid: content,
      seals,
      inode_id: BigInt(content),
      mode: Number(stat.mode),
    });
    return content;
  }
}

/** Makes a memory file with its content and opens every file on it. Seals come late: {@link planSeals}. */
export function planMemfd(
  stage: Stage,
  inode: MemfdInodeEntry,
  content: GhostFile | undefined,
  ends: readonly (StagedEnd & { readonly pos: bigint })[],
): number {
  const what = `memfd ${inode.name}`;
  if (inode.name.length > MAX_NAME) badImage(`${what.slice(0, 40)}...: name too long`);
  const memory = stage.reserve();
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  stage.make(what, memory, SYS.memfd_create, [stage.builder.string(inode.name), flags]);
  planContent(stage, memory, what, { size: inode.size, content });
  if (inode.mode !== undefined) stage.run(what, SYS.fchmod, [memory, inode.mode & 0o7777]);
  stage.run(what, SYS.fchown, [memory, inode.uid, inode.gid]);
  for (const { number, flags: wanted, pos, id } of ends) {
    const kept = wanted & (O.accessMode | SETTABLE | O.path);
    stage.reopen(`open file ${String(id)} (${what})`, number, memory, kept);
    if (pos !== 0n) stage.run(`${what}: position`, SYS.lseek, [number, pos, SEEK.set], Number(pos));
  }
  return memory;
}

/** Gives a new file its size and content. */
export function planContent(
  stage: Stage,
  number: number,
  what: string,
  { size, content }: { readonly size: bigint; readonly content: GhostFile | undefined },
): void {
  if (size > 0n) stage.run(`${what}: size`, SYS.ftruncate, [number, size]);
  for (const { offset, data } of content?.content ?? []) {
    stage.run(`${what}: seek`, SYS.lseek, [number, offset, SEEK.set], Number(offset));
    stage.sequence.write(`${what}: content`, number, stage.builder.data(data, 1), data.length);
  }
}

/** The seals to be set on a memory file once all its mappings exist. */
export function sealsOf(inode: MemfdInodeEntry): number {
  return inode.seals & ALL_SEALS;
}
