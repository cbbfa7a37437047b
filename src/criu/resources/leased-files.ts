// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync, type BigIntStats } from 'node:fs';
import { asHostPid, type HostPid } from '../../common/ids.js';
import { Line } from '../../common/procfs/line.js';
import { syscall } from '../../native/index.js';
import { F, O } from '../../native/abi/index.js';
import { closeFd, openPidfd, SYS } from '../../native/sys.js';
import { parseFileLock } from '../procfs/fdinfo-lock.js';

/** O_ACCMODE. */
const ACCESS = 3;
/** Whoever waits for a lock stands below it, behind this. */
const WAITS = '->';

/**
 * Whose leases (F_SETLEASE) a look at files would break: those that exclude readers, or are being broken. By the device
 * number and the inode of their files.
 */
export class LeasedFiles {
  readonly #read: () => string;
  #holders: ReadonlyMap<string, HostPid> | undefined;

  /** They are read when they are first asked for: for that the kernel waits until no processor uses locks (RCU), 6 to 15 ms. */
  constructor(read = () => readFileSync('/proc/locks', 'utf8')) {
    this.#read = read;
  }

  /** Who holds such a lease on a file; undefined if nobody does. */
  holderOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): HostPid | undefined {
    this.#holders ??= holdersIn(this.#read());
    return this.#holders.get(keyOf(majorOf(dev), minorOf(dev), ino));
  }
}

function holdersIn(text: string): ReadonlyMap<string, HostPid> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.includes(WAITS));
  const locks = lines.map((line) => parseFileLock(new Line('locks', `lock:\t${line}`)));
  return new Map(
    locks.flatMap(({ kind, access, breaking, pid, file }) => {
      const excludes = kind === 'lease' && (access === 'write' || breaking);
      return excludes && file ? [[keyOf(file.major, file.minor, file.inode), asHostPid(pid)]] : [];
    }),
  );
}

/**
 * A descriptor of ours on the open file by which a process has a file, which it shares with that: it is to be read at
 * positions only. Undefined if it has none that can be read. The caller closes it.
 */
export function takeOpenFile(pid: HostPid, wanted: BigIntStats): number | undefined {
  const folder = `/proc/${String(pid)}/fd`;
  const pidfd = openPidfd(pid);
  try {
    for (const name of readdirSync(folder)) {
      const stat = statSync(`${folder}/${name}`, { bigint: true, throwIfNoEntry: false });
      if (stat?.dev !== wanted.dev || stat.ino !== wanted.ino) continue;
      const own = syscall(SYS.pidfd_getfd, pidfd, Number(name), 0);
      if (own < 0) continue;
      const flags = syscall(SYS.fcntl, own, F.getfl, 0);
      if ((flags & ACCESS) !== O.wronly && (flags & O.path) === 0) return own;
      closeFd(own);
    }
    return undefined;
  } finally {
    closeFd(pidfd);
  }
}

function keyOf(major: number, minor: number, inode: bigint): string {
  return [major, minor, inode].join();
}

/** As stat(2) has them (linux/kdev_t.h, `new_encode_dev`). */
function majorOf(dev: bigint): number {
  return Number((dev >> 8n) & 0xfffn);
}

function minorOf(dev: bigint): number {
  return Number((dev & 0xffn) | ((dev >> 12n) & 0xfff00n));
}
