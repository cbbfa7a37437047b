// SPDX-License-Identifier: Apache-2.0
import { unescapeOctal } from '../../common/octal.js';
import { splitLines, type Line, type ProcText } from '../../common/procfs/line.js';
import type { DeviceNumber } from '../../common/procfs/mountinfo.js';

/** One line of /proc/PID/maps: a virtual memory area. Source: proc_pid_maps(5), fs/proc/task_mmu.c. */
export interface Vma {
  /** First address. */
  readonly start: bigint;
  /** First address after the area. */
  readonly end: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly exec: boolean;
  /** MAP_SHARED; otherwise private, copy on write. */
  readonly shared: boolean;
  /** Bytes into the file. */
  readonly offset: bigint;
  /** As the file's superblock has it; overlayfs and btrfs report other numbers to stat(2). */
  readonly dev: DeviceNumber;
  /** 0 if no file is mapped. */
  readonly inode: bigint;
  /**
   * Path of the mapped file, without ` (deleted)`; empty if none is mapped. Also `/memfd:NAME`, `/SYSV%08x`,
   * `/dev/zero` (shared anonymous), `/[aio]` and `anon_inode:[NAME]`. The kernel writes a line feed as `\012` and a
   * backslash as it is: a name that contains these four characters cannot be told from one with a line feed, and is
   * taken for the latter.
   */
  readonly path: string;
  /** The path ended in ` (deleted)`. A file may have such a name; its link count decides. */
  readonly deleted: boolean;
  /**
   * Name in brackets of an area that maps no file of that name, including the brackets: `[heap]`, `[stack]`,
   * `[vdso]`, `[vvar]`, `[vvar_vclock]`, `[vsyscall]`, `[uprobes]`, `[anon:NAME]`, `[anon_shmem:NAME]`; otherwise
   * empty.
   */
  readonly special: string;
  /** The name that prctl(PR_SET_VMA_ANON_NAME) gave: NAME of `[anon:NAME]` or `[anon_shmem:NAME]`. */
  readonly anonName: string | undefined;
}

const HEX = '([0-9a-f]+)';
const VMA_LINE = new RegExp(
  `^${HEX}-${HEX} ([r-])([w-])([x-])([sp]) ${HEX} ${HEX}:${HEX} ([0-9]+)(?: +(.*))?$`,
  's',
);
const DELETED = ' (deleted)';
const ANON_NAME = /^\[anon(?:_shmem)?:(.*)\]$/s;

/** The text after the numbers of an area. */
export type VmaName = Pick<Vma, 'path' | 'deleted' | 'special' | 'anonName'>;

/** Parses the text after the numbers of an area; if it is empty, the area has no name. */
export function parseVmaName(name: string): VmaName {
  const isSpecial = name.startsWith('[');
  const deleted = !isSpecial && name.endsWith(DELETED);
  return {
    path: isSpecial ? '' : unescapeOctal(deleted ? name.slice(0, -DELETED.length) : name, '\n'),
    deleted,
    special: isSpecial ? name : '',
    anonName: isSpecial ? ANON_NAME.exec(name)?.[1] : undefined,
  };
}

function parseVma(line: Line): Vma {
  const [, start, end, r, w, x, s, offset, major, minor, inode, name = ''] = line.match(VMA_LINE);
  const vma = {
    start: line.hex(start),
    end: line.hex(end),
    read: r === 'r',
    write: w === 'w',
    exec: x === 'x',
    shared: s === 's',
    offset: line.hex(offset),
    dev: { major: line.hexInteger(major), minor: line.hexInteger(minor) },
    inode: line.bigInteger(inode),
    ...parseVmaName(name),
  };
  return vma.start < vma.end ? vma : line.fail();
}

/** Parses /proc/PID/maps; the areas in order of address. */
export function parseMaps(content: ProcText): readonly Vma[] {
  return splitLines('maps', content).map(parseVma);
}
