// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { asHostTid, type HostPid, type HostTid } from '../../common/ids.js';
import { ShimError, type ErrorKind } from '../../common/errors.js';
import { O } from '../../native/abi/index.js';
import { readAreas, readDescriptors } from '../../native/index.js';
import type { AreaTable } from '../../native/area-table.js';
import { errnoError } from '../../native/sys.js';
import { decodeBytes } from '../../common/bytes.js';
import { parseCgroup, type CgroupMembership } from '../../common/procfs/cgroup.js';
import { parseChildren } from './children.js';
import { parseCmdline } from './cmdline.js';
import { parseFdinfo, type FdInfo } from './fdinfo.js';
import { IdMap, type IdMaps } from './id-map.js';
import { parseIgmp, parseIgmp6, type MulticastGroup } from './igmp.js';
import type { ProcText } from '../../common/procfs/line.js';
import { parseLimits, type ResourceLimit } from './limits.js';
import { parseMaps, type Vma } from './maps.js';
import { parseMountinfo, type MountInfo } from '../../common/procfs/mountinfo.js';
import { parseRawPeers, type RawPeer } from './raw-sockets.js';
import { decodeSmaps, type SmapsVma } from './smaps.js';
import { parseStat, parseVitals, type ProcStat, type Vitals } from './stat.js';
import { parseStatus, parseStatusField, type ProcStatus } from './status.js';

/*
 * Reads files of /proc as the caller's own pid namespace sees them. Synchronous: the kernel produces these texts
 * immediately, and the task that they describe should not stand still for a turn of a thread pool. All throw
 * ShimError: `notFound` if the task (or descriptor) is gone, `permissionDenied` without the right to see it,
 * `internal` for a text that cannot be parsed.
 *
 * If `tid` can be given, it is a thread of `pid`; by default, the leader.
 */

const PROC = '/proc';
/** The buffer that everything is read into first. */
const room = Buffer.alloc(65_536);

/** The whole of an area. */
type MappedRange = Pick<Vma, 'start' | 'end'>;

/** The areas of a process's memory. */
export function readMaps(pid: HostTid): readonly Vma[] {
  return parseMaps(readProc(`${String(pid)}/maps`));
}

/** The same as the kernel writes it. */
export function readMapsText(pid: HostTid): string {
  return decodeBytes(readProc(`${String(pid)}/maps`));
}

/** Opens the file that an area maps, which may have no name; returns a descriptor. */
export function openMapped(pid: HostTid, { start, end }: MappedRange, flags: 'r' | 'r+'): number {
  const path = `${String(pid)}/map_files/${start.toString(16)}-${end.toString(16)}`;
  return wrap('open', path, () => openSync(`${PROC}/${path}`, flags));
}

/**
 * The areas with counters and flags: for these the kernel walks all page tables, and writes 20 MiB for 30,000
 * areas.
 */
export function readSmaps(pid: HostTid): readonly SmapsVma[] {
  return decodeSmaps(areaTable(pid, 'smaps'));
}

/** The areas as {@link readSmaps} reports them, but for counters and flags. */
export function readAreaTable(pid: HostTid): AreaTable {
  return areaTable(pid, 'maps');
}

function areaTable(pid: HostTid, file: 'maps' | 'smaps'): AreaTable {
  const path = `${PROC}/${String(pid)}/${file}`;
  const table = readAreas(path, file === 'smaps');
  if (typeof table === 'number') throw errnoError(`read ${path}`, table);
  return table;
}

/** How the ids of a process's user namespace are seen here. */
export function readIdMaps(pid: HostPid): IdMaps {
  const read = (file: string): IdMap => new IdMap(readProc(`${String(pid)}/${file}`));
  return { users: read('uid_map'), groups: read('gid_map') };
}

/** Ids, signals, capabilities of a thread. */
export function readStatus(pid: HostTid, tid?: HostTid): ProcStatus {
  return parseStatus(readProc(`${task(pid, tid)}/status`));
}

/** Signals pending for a process, not for one of its threads; bit N-1 is signal N. */
export function readSharedPending(pid: HostTid): bigint {
  return BigInt(`0x${parseStatusField(readProc(`${String(pid)}/status`), 'ShdPnd') ?? '0'}`);
}

/** State, tree, memory layout of a thread. */
export function readStat(pid: HostTid, tid?: HostTid): ProcStat {
  return parseStat(readProc(`${task(pid, tid)}/stat`));
}

/** Whether a thread lives, runs or is stopped: a small part of its stat. */
export function readVitals(pid: HostTid, tid?: HostTid): Vitals {
  return parseVitals(readProc(`${task(pid, tid)}/stat`));
}

/** Name of a thread, as it is. */
export function readComm(pid: HostTid, tid?: HostTid): string {
  return decodeBytes(readProc(`${task(pid, tid)}/comm`)).replace(/\n$/, '');
}

/** The content of a file in a thread's folder, such as `attr/current`. */
export function readThreadFile(pid: HostTid, tid: HostTid, file: string): string {
  return decodeBytes(readProc(`${task(pid, tid)}/${file}`));
}

/** Resource limits; the index is the RLIMIT_* number. */
export function readLimits(pid: HostTid): readonly ResourceLimit[] {
  return parseLimits(readProc(`${String(pid)}/limits`));
}

/** Mounts that the process sees. */
export function readMountinfo(pid: HostTid): readonly MountInfo[] {
  return parseMountinfo(readProc(`${String(pid)}/mountinfo`));
}

/** Multicast groups of the interfaces in a process's network namespace. */
export function readMulticastGroups(pid: HostTid): readonly MulticastGroup[] {
  // A kernel without one of the protocols has no such file.
  const read = (file: string): Buffer =>
    unlessGone(() => readProc(`${String(pid)}/net/${file}`)) ?? Buffer.alloc(0);
  return [...parseIgmp(read('igmp')), ...parseIgmp6(read('igmp6'))];
}

/** Connected raw and ping sockets of a process's network namespace. */
export function readRawPeers(pid: HostTid): readonly RawPeer[] {
  return ['raw', 'raw6', 'icmp', 'icmp6'].flatMap((file) => {
    return unlessGone(() => parseRawPeers(readProc(`${String(pid)}/net/${file}`))) ?? [];
  });
}

/** Whether anything routes multicast in a process's network namespace: interfaces follow a line of titles. */
export function hasMulticastRouting(pid: HostTid): boolean {
  return ['ip_mr_vif', 'ip6_mr_vif'].some((file) => {
    const text = unlessGone(() => readProc(`${String(pid)}/net/${file}`));
    return text?.toString().trimEnd().includes('\n') === true;
  });
}

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'notFound') return undefined;
    throw error;
  }
}

/** Cgroups of a thread, one for each hierarchy. */
export function readCgroup(pid: HostTid, tid?: HostTid): readonly CgroupMembership[] {
  return parseCgroup(readProc(`${task(pid, tid)}/cgroup`));
}

/** Arguments, only for people to read. */
export function readCmdline(pid: HostTid): readonly string[] {
  return parseCmdline(readProc(`${String(pid)}/cmdline`));
}

/** One open file. */
export function readFdinfo(pid: HostTid, fd: number): FdInfo {
  return parseFdinfo(readProc(`${String(pid)}/fdinfo/${String(fd)}`));
}

/** Path of the executable, working directory or root, ` (deleted)` included. */
export function readLink(pid: HostTid, name: 'exe' | 'cwd' | 'root'): string {
  return readProcLink(`${String(pid)}/${name}`);
}

/** A namespace as `mnt:[4026531841]`; equal texts of one type mean the same namespace. */
export function readNamespace(pid: HostTid, name: string, tid?: HostTid): string {
  return readProcLink(`${task(pid, tid)}/ns/${name}`);
}

/** A descriptor of a process. */
export interface DescriptorCopy {
  readonly fd: number;
  /** Our own descriptor of the same open file. */
  readonly own: number;
  /**
   * What its link refers to: a path, `pipe:[123]`, `anon_inode:[eventpoll]`. Not unescaped, since the kernel
   * escapes nothing.
   */
  readonly link: string;
  readonly info: ProcText;
  /** Whether its file may send signals to somebody, or by a number of its own (F_SETOWN, F_SETSIG). */
  readonly mayHaveOwner: boolean;
  /** Whether the file itself has O_CLOEXEC. */
  readonly isCloseOnExecFile: boolean;
}

/** Numbers of each descriptor in a table of them. */
const NUMBERS = 6;

/** Copies all open descriptors of a process; the caller closes them. In ascending order. */
export function copyDescriptors(pid: HostPid): DescriptorCopy[] {
  const read = readDescriptors(pid);
  if (typeof read === 'number')
    throw errnoError(`copy the descriptors of pid ${String(pid)}`, read);
  const { numbers, text } = read;
  const copies: DescriptorCopy[] = [];
  for (let at = 0, begin = 0; at < numbers.length; at += NUMBERS) {
    const [fd = 0, own = 0, linkEnd = 0] = [numbers[at], numbers[at + 1], numbers[at + 2]];
    const infoEnd = numbers[at + 3] ?? 0;
    copies.push({
      fd,
      own,
      link: decodeBytes(text.subarray(begin, linkEnd)),
      info: text.subarray(linkEnd, infoEnd),
      mayHaveOwner: numbers[at + 4] !== 0,
      isCloseOnExecFile: ((numbers[at + 5] ?? 0) & O.cloexec) !== 0,
    });
    begin = infoEnd;
  }
  return copies;
}

/** Ids of the threads, in ascending order. */
export function listThreads(pid: HostPid): readonly HostTid[] {
  return listNumbers(`${String(pid)}/task`).map(asHostTid);
}

/** Processes that one thread forked. Needs CONFIG_PROC_CHILDREN: without it `notFound`. */
export function readChildren(pid: HostTid, tid: HostTid = pid): readonly HostPid[] {
  return parseChildren(readProc(`${task(pid, tid)}/children`));
}

function task(pid: HostTid, tid: HostTid | undefined): string {
  return tid === undefined ? String(pid) : `${String(pid)}/task/${String(tid)}`;
}

/**
 * Reads a file into one shared buffer, which is usually large enough: files of /proc have no size, and
 * `readFileSync` allocates 64 KiB for each page that it reads.
 */
function readProc(path: string): Buffer {
  return wrap('read', path, () => {
    const pieces: Buffer[] = [];
    const file = openSync(`${PROC}/${path}`, 'r');
    try {
      for (let used = 0, size = 1; size > 0;) {
        size = readSync(file, room, used, room.length - used, null);
        used += size;
        if (size > 0 && used < room.length) continue;
        pieces.push(Buffer.from(room.subarray(0, used)));
        used = 0;
      }
    } finally {
      closeSync(file);
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  });
}

function readProcLink(path: string): string {
  return wrap('read link', path, () =>
    decodeBytes(readlinkSync(`${PROC}/${path}`, { encoding: 'buffer' })),
  );
}

function listNumbers(path: string): readonly number[] {
  const names = wrap('list', path, () => readdirSync(`${PROC}/${path}`));
  return names.map(Number).sort((a, b) => a - b);
}

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'notFound',
  ESRCH: 'notFound',
  EACCES: 'permissionDenied',
  EPERM: 'permissionDenied',
  ENOMEM: 'resourceExhausted',
  EMFILE: 'resourceExhausted',
};

function wrap<T>(verb: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShimError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const kind = Object.hasOwn(KINDS, code) ? KINDS[code] : undefined;
    throw new ShimError(kind ?? 'internal', `${verb} ${PROC}/${path}: ${code}`, { cause: error });
  }
}
