// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { VMA_STATUS } from '../image/constants.js';
import { printable } from '../../common/bytes.js';
import type { SmapsVma } from '../procfs/smaps.js';

/** What an area of memory is, and so how it is captured and restored. */
export type AreaKind =
  /** Private anonymous: lies in the VAS as it is. */
  | 'anonymous'
  /** Private mapping of a file: the file, and the pages written to. */
  | 'file-private'
  /** Shared mapping of a file (memfd included): the file alone. */
  | 'file-shared'
  /** Shared anonymous: an object of its own, which several processes may map. */
  | 'anonymous-shared'
  /** The kernel's own pages: moved into place. */
  | 'vdso'
  | 'vvar'
  /** At the same place in every process. */
  | 'vsyscall';

/** VMA flags that we cannot restore, with words for them (Documentation/filesystems/proc.rst). */
const UNSUPPORTED_FLAGS: readonly (readonly [string, string])[] = [
  ['pf', 'a mapping of device memory'],
  ['io', 'a mapping of device memory'],
  ['mm', 'a mapping of device memory'],
  ['ar', 'a mapping of device memory'],
  ['sf', 'a mapping with MAP_SYNC'],
  ['ht', 'a mapping of huge TLB pages'],
  ['uw', 'memory watched by userfaultfd'],
  ['um', 'memory served by userfaultfd'],
  ['ui', 'memory watched by userfaultfd'],
  ['ss', 'a shadow stack'],
  ['sl', 'sealed memory (mseal)'],
];

/**
 * All other flags, from show_smap_vma_flags() of fs/proc/task_mmu.c: those that are kept, and those that
 * follow from what is kept (`ac`, what has been accounted, `sd`, soft-dirty, `gu`, that there may be
 * guards, `dw` of old kernels).
 */
const KNOWN_FLAGS: ReadonlySet<string> = new Set(
  'rd wr ex sh mr mw me ms gd lo sr rr dc de lf ac nr wf dd sd hg nh mg dp gu dw'.split(' '),
);

const KERNEL_AREAS: Readonly<Record<string, AreaKind>> = {
  '[vdso]': 'vdso',
  '[vvar]': 'vvar',
  '[vvar_vclock]': 'vvar',
  '[vsyscall]': 'vsyscall',
};

const STATUS: Readonly<Record<AreaKind, number>> = {
  anonymous: VMA_STATUS.regular | VMA_STATUS.anonPrivate,
  'file-private': VMA_STATUS.regular | VMA_STATUS.filePrivate,
  'file-shared': VMA_STATUS.regular | VMA_STATUS.fileShared,
  'anonymous-shared': VMA_STATUS.regular | VMA_STATUS.anonShared,
  vdso: VMA_STATUS.regular | VMA_STATUS.vdso | VMA_STATUS.anonPrivate,
  vvar: VMA_STATUS.regular | VMA_STATUS.vvar | VMA_STATUS.anonPrivate,
  vsyscall: VMA_STATUS.vsyscall | VMA_STATUS.anonPrivate,
};

/** Beginnings of paths of mappings that are no files. */
const UNSUPPORTED_PATHS: readonly (readonly [start: string, words: string])[] = [
  ['/[aio]', 'asynchronous I/O (io_setup)'],
  ['/SYSV', 'System V shared memory'],
  ['socket:', 'a mapping of a socket'],
];

/** An area, judged. */
export interface Area {
  readonly vma: SmapsVma;
  readonly kind: AreaKind;
}

/** `0x7f…-0x7f… /path` for messages. */
export function describeArea(vma: SmapsVma): string {
  const name = printable(vma.special || vma.path);
  return `memory 0x${vma.start.toString(16)}-0x${vma.end.toString(16)}${name ? ` (${name})` : ''}`;
}

/**
 * Judges an area.
 *
 * @param process how messages name whose it is
 * @throws ShimError `failedPrecondition` for what cannot be restored
 */
export function classifyArea(process: string, vma: SmapsVma): Area {
  const kernelArea = KERNEL_AREAS[vma.special];
  if (kernelArea) return { vma, kind: kernelArea };
  const refuse = (what: string): never => {
    const where = `${process} ${describeArea(vma)}`;
    throw new ShimError('failedPrecondition', `${where}: ${what} is not supported`);
  };
  const flag = unsupportedFlag(vma);
  if (flag !== undefined) refuse(flag);
  if (vma.protectionKey !== 0 && !isExecuteOnly(vma)) refuse('a memory protection key');
  if (vma.special === '[uprobes]') refuse('a uprobe');
  for (const [start, words] of UNSUPPORTED_PATHS) if (vma.path.startsWith(start)) refuse(words);
  if (vma.path.startsWith('anon_inode:')) refuse(`a mapping of ${vma.path}`);
  return { vma, kind: vma.shared ? sharedKind(vma) : privateKind(vma) };
}

/** Words for a flag that cannot be restored; flags that nobody knows are none that could be. */
function unsupportedFlag({ vmFlags }: SmapsVma): string | undefined {
  for (const [flag, words] of UNSUPPORTED_FLAGS) if (vmFlags.has(flag)) return words;
  const unknown = [...vmFlags].find((flag) => !KNOWN_FLAGS.has(flag));
  return unknown && `the flag "${unknown}" that its VmFlags show`;
}

/** The kernel gives such memory a key by itself (pkeys(7)), and does so again at a restore. */
function isExecuteOnly({ read, write, exec }: SmapsVma): boolean {
  return exec && !read && !write;
}

function privateKind(vma: SmapsVma): AreaKind {
  return isFile(vma) ? 'file-private' : 'anonymous';
}

function sharedKind(vma: SmapsVma): AreaKind {
  const isAnonymous = vma.path === '/dev/zero' && vma.deleted;
  return isAnonymous || vma.special !== '' ? 'anonymous-shared' : 'file-shared';
}

function isFile(vma: SmapsVma): boolean {
  return vma.inode !== 0n && vma.path !== '';
}

/** `vma_entry.status` of an area. */
export function areaStatus(area: Area): number {
  const extra =
    area.vma.special === '[heap]'
      ? VMA_STATUS.heap
      : area.vma.special === '[stack]'
        ? VMA_STATUS.stack
        : 0;
  return STATUS[area.kind] | extra;
}

/** PROT_* bits. */
export function protection(vma: SmapsVma): number {
  return Number(vma.read) | (Number(vma.write) << 1) | (Number(vma.exec) << 2);
}
