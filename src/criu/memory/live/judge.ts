// SPDX-License-Identifier: Apache-2.0
import { printable } from '../../../common/bytes.js';
import { ShimError } from '../../../common/errors.js';
import {
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
} from '../../../native/abi/index.js';
import { IORING_OFFSET } from '../../../native/io-uring.js';
import type { SmapsVma } from '../../procfs/smaps.js';
import {
  NO_RUNS,
  objectOfSegment,
  rangeOf,
  TRAIT,
  type AreaKind,
  type MappedArea,
  type MappedFile,
} from '../memory-map.js';

/** What cannot be restored, in words, and what its owner can do about it. */
interface Problem {
  readonly what: string;
  readonly remedy: string;
}

const UNMAP = 'unmap it';
const OF_DEVICES: Problem = { what: 'a mapping of device memory', remedy: UNMAP };
const CLOSE_USERFAULTFD = 'close the userfaultfd';
const WATCHED: Problem = { what: 'memory watched by userfaultfd', remedy: CLOSE_USERFAULTFD };

/** VMA flags that we cannot restore (Documentation/filesystems/proc.rst). */
const UNSUPPORTED_FLAGS: readonly (readonly [string, Problem])[] = [
  ['pf', OF_DEVICES],
  ['io', OF_DEVICES],
  ['mm', OF_DEVICES],
  ['ar', OF_DEVICES],
  ['sf', { what: 'a mapping with MAP_SYNC', remedy: 'map it without MAP_SYNC' }],
  [
    'ht',
    {
      what: 'a mapping of huge TLB pages',
      remedy: 'run it without them (PostgreSQL: huge_pages=off)',
    },
  ],
  ['uw', WATCHED],
  ['um', { what: 'memory served by userfaultfd', remedy: CLOSE_USERFAULTFD }],
  ['ui', WATCHED],
  ['ss', { what: 'a shadow stack', remedy: 'run it without GLIBC_TUNABLES for SHSTK' }],
  ['sl', { what: 'sealed memory (mseal)', remedy: 'run it without mseal' }],
];

/**
 * All other flags, from show_smap_vma_flags() of fs/proc/task_mmu.c: those that are kept, and those that follow
 * from what is kept (`ac`: accounted, `sd`: soft-dirty, `gu`: may contain guards, `dw`: of old kernels).
 */
const KNOWN_FLAGS: ReadonlySet<string> = new Set(
  'rd wr ex sh mr mw me ms gd lo sr rr dc de lf ac nr wf dd sd hg nh mg dp gu dw'.split(' '),
);

const MAPPED = [
  ['gd', MAP_GROWSDOWN],
  ['nr', MAP_NORESERVE],
  ['lo', MAP_LOCKED],
] as const;

/** VMA flags that madvise(2) sets, by its advice. */
const ADVISED = [
  ['rr', MADV_RANDOM],
  ['sr', MADV_SEQUENTIAL],
  ['dc', MADV_DONTFORK],
  ['mg', MADV_MERGEABLE],
  ['hg', MADV_HUGEPAGE],
  ['nh', MADV_NOHUGEPAGE],
  ['dd', MADV_DONTDUMP],
  ['wf', MADV_WIPEONFORK],
] as const;

/** What the kernel calls System V shared memory, by the key it was made by. */
const SEGMENT = /^\/SYSV[0-9a-f]{8}$/;

const KERNEL_AREAS: Readonly<Record<string, AreaKind>> = {
  '[vdso]': 'vdso',
  '[vvar]': 'vvar',
  '[vvar_vclock]': 'vvar',
  '[vsyscall]': 'vsyscall',
};

/** Prefixes of the paths of mappings that are not files. */
const UNSUPPORTED_PATHS: readonly (readonly [start: string, Problem])[] = [
  [
    '/[aio]',
    {
      what: 'asynchronous I/O (io_setup)',
      remedy: 'run it without (MySQL: innodb-use-native-aio=0)',
    },
  ],
];

/** The path of mappings of an io_uring, which the kernel marks as device memory or alike. */
const IO_URING = 'anon_inode:[io_uring]';

/** What a set of VMA flags means. */
interface Flags {
  /** Why it cannot be restored. */
  readonly refusal: Problem | undefined;
  readonly mapped: number;
  readonly advice: number;
  readonly traits: number;
}

/** Areas have few different sets of flags, and the parser creates one string for each. */
const known = new WeakMap<ReadonlySet<string>, Flags>();

/**
 * Judges the areas of a process.
 *
 * @param label the name of the process in messages
 * @throws ShimError `failedPrecondition` if something cannot be restored
 */
export function judgeAreas(label: string, vmas: readonly SmapsVma[]): MappedArea[] {
  return vmas.map((vma) => judgeArea(label, vma));
}

function judgeArea(label: string, vma: SmapsVma): MappedArea {
  const flags = known.get(vma.vmFlags) ?? readFlags(vma.vmFlags);
  const kernels = KERNEL_AREAS[vma.special];
  if (!kernels) refuseUnsupported(label, vma, flags);
  const kind = kernels ?? (vma.shared ? sharedKind(vma) : privateKind(vma));
  const isOfFile = kind === 'file-private' || kind === 'file-shared';
  return {
    start: vma.start,
    end: vma.end,
    kind,
    prot: Number(vma.read) | (Number(vma.write) << 1) | (Number(vma.exec) << 2),
    flags: flags.mapped | typeOf(vma, flags) | (isOfFile ? 0 : MAP_ANONYMOUS),
    advice: flags.advice,
    key: vma.protectionKey,
    traits: flags.traits | traitsOf(vma),
    offset: vma.offset,
    object: kind === 'anonymous-shared' ? objectOf(vma) : 0n,
    file: isOfFile ? fileOf(vma) : undefined,
    name: vma.anonName,
    runs: NO_RUNS,
    holes: undefined,
    place: undefined,
  };
}

function refuseUnsupported(label: string, vma: SmapsVma, flags: Flags): void {
  const problem = problemOf(vma, flags);
  if (problem === undefined) return;
  const name = printable(vma.special || vma.path);
  const where = `${label} memory ${rangeOf(vma)}${name ? ` (${name})` : ''}`;
  const why = `${problem.what} is not supported; remedy: ${problem.remedy}`;
  throw new ShimError('failedPrecondition', `${where}: ${why}`);
}

function problemOf(vma: SmapsVma, flags: Flags): Problem | undefined {
  if (vma.path === IO_URING) return unsupportedRing(vma, flags);
  const known = unsupportedPath(vma.path);
  return known ?? (isOfSocket(vma) ? refusalOfSocket(vma) : flags.refusal) ?? unsupported(vma);
}

/** Most areas have no path at all. */
function unsupportedPath(path: string): Problem | undefined {
  return path === '' ? undefined : UNSUPPORTED_PATHS.find(([start]) => path.startsWith(start))?.[1];
}

/** Of an io_uring: its kind of files checks the rest. */
function unsupportedRing(vma: SmapsVma, { refusal }: Flags): Problem | undefined {
  if (!vma.shared) return { what: 'a private mapping of an io_uring', remedy: UNMAP };
  if (vma.offset >= IORING_OFFSET.buffers) {
    return { what: 'a mapping of the buffers of an io_uring', remedy: UNMAP };
  }
  return refusal === OF_DEVICES ? undefined : refusal;
}

/** A ring of a packet socket, or what a dump of files refuses. */
function isOfSocket({ path, shared }: SmapsVma): boolean {
  return shared && path.startsWith('socket:');
}

/** `mm` says that its pages were given by the socket (VM_MIXEDMAP). */
function refusalOfSocket({ vmFlags }: SmapsVma): Problem | undefined {
  return unsupportedFlag(new Set([...vmFlags].filter((flag) => flag !== 'mm')));
}

/** Why an area cannot be restored, whatever its flags are. */
function unsupported(vma: SmapsVma): Problem | undefined {
  if (vma.special === '[uprobes]') return { what: 'a uprobe', remedy: 'start it anew without' };
  if (!vma.shared && vma.path.startsWith('socket:')) {
    return { what: 'a private mapping of a socket', remedy: UNMAP };
  }
  const isAnonymous = vma.path.startsWith('anon_inode:');
  return isAnonymous ? { what: `a mapping of ${vma.path}`, remedy: UNMAP } : undefined;
}

function readFlags(vmFlags: ReadonlySet<string>): Flags {
  const bits = { mapped: 0, advice: 0 };
  for (const [flag, value] of MAPPED) if (vmFlags.has(flag)) bits.mapped |= value;
  for (const [flag, advice] of ADVISED) if (vmFlags.has(flag)) bits.advice |= 1 << advice;
  if (vmFlags.has('lo') && !vmFlags.has('lf')) bits.mapped |= MAP_POPULATE;
  if (vmFlags.has('dp')) bits.mapped |= MAP_DROPPABLE;
  const traits = vmFlags.has('ac') ? TRAIT.accounted : 0;
  const flags = { ...bits, traits, refusal: unsupportedFlag(vmFlags) };
  known.set(vmFlags, flags);
  return flags;
}

/** Why a flag cannot be restored; unknown flags cannot. */
function unsupportedFlag(vmFlags: ReadonlySet<string>): Problem | undefined {
  for (const [flag, problem] of UNSUPPORTED_FLAGS) if (vmFlags.has(flag)) return problem;
  const unknown = [...vmFlags].find((flag) => !KNOWN_FLAGS.has(flag));
  if (unknown === undefined) return undefined;
  return { what: `the flag "${unknown}" that its VmFlags show`, remedy: UNMAP };
}

function privateKind({ inode, path }: SmapsVma): AreaKind {
  return inode !== 0n && path !== '' ? 'file-private' : 'anonymous';
}

function sharedKind(vma: SmapsVma): AreaKind {
  const { path, deleted, special } = vma;
  const isAnonymous = (path === '/dev/zero' && deleted) || isSegment(vma);
  return isAnonymous || special !== '' ? 'anonymous-shared' : 'file-shared';
}

function objectOf(vma: SmapsVma): bigint {
  return isSegment(vma) ? objectOfSegment(vma.inode) : vma.inode;
}

function isSegment({ path, deleted }: SmapsVma): boolean {
  return deleted && SEGMENT.test(path);
}

/** MAP_DROPPABLE stands for the type, too. */
function typeOf({ shared }: SmapsVma, { mapped }: Flags): number {
  if ((mapped & MAP_DROPPABLE) !== 0) return 0;
  return shared ? MAP_SHARED : MAP_PRIVATE;
}

function traitsOf(vma: SmapsVma): number {
  const { special, anonHugePages, rss, swap, vmFlags } = vma;
  const readOnly = vma.shared && isSegment(vma) && !vmFlags.has('mw') ? TRAIT.readOnly : 0;
  const place = special === '[heap]' ? TRAIT.heap : special === '[stack]' ? TRAIT.stack : 0;
  const huge = anonHugePages > 0 ? TRAIT.hugePages : 0;
  return place | huge | readOnly | (rss + swap === 0 ? TRAIT.untouched : 0);
}

function fileOf({ dev, inode, path, deleted }: SmapsVma): MappedFile {
  return { dev, inode, path, deleted };
}
