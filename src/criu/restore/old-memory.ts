// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readFileSync, statSync } from 'node:fs';
import { cgroupOf, pidsIn } from '../../common/cgroup.js';
import { memoryCgroupsOf, readMemoryRoom } from '../../common/cgroup-memory.js';
import type { HostPid } from '../../common/ids.js';
import { MemoryHold } from '../../native/index.js';
import { closeFd, memfd } from '../../native/sys.js';
import { readMaps } from '../procfs/reader.js';
import type { Vma } from '../procfs/maps.js';
import type { Predecessor } from './predecessor.js';

/** What is freed in less than a millisecond. */
const WORTH_HOLDING = 8 * 1024 * 1024;
/** The largest of them; each costs a thread. */
const MOST_HELD = 8;
/** What new processes may need before the memory of the old ones is freed. */
const ROOM = 64 * 1024 * 1024;
const PAGE_SIZE = 4096;

/** Memory of a container that is not freed as long as it is held. */
export interface OldMemory {
  /** Of how many processes. */
  readonly count: number;
  /** Has it freed, in the background; a second call does nothing. */
  letGo(): void;
}

/**
 * Holds the large memories of a container whose processes are about to be killed: the kernel would free them before it
 * closes files and reports the end, 80 ms for each GiB. Left out are processes that map files which others can reach, since a
 * mapping keeps the locks of its file. Where memory is limited, none is held unless there is room for both, old and new.
 */
export function holdMemoryOf(predecessor: Pick<Predecessor, 'initPid' | 'rootfs'>): OldMemory {
  const hold = new MemoryHold();
  let count = 0;
  for (const pid of holdable(predecessor)) if (hold.add(pid) === 0) count += 1;
  return {
    count,
    letGo: () => {
      hold.letGo();
    },
  };
}

function holdable({ initPid, rootfs }: Pick<Predecessor, 'initPid' | 'rootfs'>): HostPid[] {
  try {
    const pids = hasRoom(initPid) ? largestOf(initPid) : [];
    if (pids.length === 0) return [];
    const own = ownDevices(initPid, rootfs);
    return pids.filter((pid) => mapsOnly(pid, own));
  } catch {
    return []; // A process has ended: who kills them finds that out.
  }
}

/** Whether old and new memory find room for a moment below all limits. */
function hasRoom(initPid: HostPid): boolean {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const cgroups = readFileSync(`/proc/${String(initPid)}/cgroup`, 'utf8');
  return memoryCgroupsOf(cgroups, mountinfo).every(
    (directory) => readMemoryRoom(directory).room >= ROOM,
  );
}

function largestOf(initPid: HostPid): readonly HostPid[] {
  const cgroup = cgroupOf(initPid);
  const sizes = (cgroup ? pidsIn(cgroup) : []).map((pid) => ({ pid, size: residentBytesOf(pid) }));
  const large = sizes.filter(({ size }) => size >= WORTH_HOLDING).sort((a, b) => b.size - a.size);
  return large.slice(0, MOST_HELD).map(({ pid }) => pid);
}

function residentBytesOf(pid: HostPid): number {
  try {
    const [, pages = '0'] = readFileSync(`/proc/${String(pid)}/statm`, 'utf8').split(' ');
    return Number(pages) * PAGE_SIZE;
  } catch {
    return 0; // It has ended.
  }
}

/** Devices of the files that nobody can reach once the container's processes have ended. */
function ownDevices(initPid: HostPid, newRoot: string): ReadonlySet<string> {
  const own = new Set([deviceOfSharedMemory()]);
  const root = statSync(`/proc/${String(initPid)}/root`).dev;
  if (statSync(newRoot).dev !== root) own.add(nameOf(root));
  return own;
}

/** That of anonymous shared memory, memory files and segments of System V. */
function deviceOfSharedMemory(): string {
  const fd = memfd('mvas-device', new Uint8Array());
  try {
    return nameOf(fstatSync(fd).dev);
  } finally {
    closeFd(fd);
  }
}

function mapsOnly(pid: HostPid, devices: ReadonlySet<string>): boolean {
  return readMaps(pid).every((vma) => isOfNoFile(vma) || devices.has(deviceOf(vma)));
}

function isOfNoFile({ inode, path }: Vma): boolean {
  return inode === 0n && path === '';
}

function deviceOf({ dev }: Vma): string {
  return `${String(dev.major)}:${String(dev.minor)}`;
}

/** `struct stat` has both numbers in one (makedev(3)). */
function nameOf(dev: number): string {
  return `${String((dev >> 8) & 0xfff)}:${String((dev & 0xff) | ((dev >> 12) & 0xfff00))}`;
}
