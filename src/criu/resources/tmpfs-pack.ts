// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import {
  fstatSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';
import type { HostPid } from '../../common/ids.js';
import { badImage, ShimError } from '../../common/errors.js';
import { check, closeFd } from '../../native/sys.js';
import { decodeBytes, printable } from '../../common/bytes.js';
import { O, RESOLVE } from '../../native/abi/index.js';
import { openAt2, openOwn } from './files/system.js';
import type { IdMaps } from '../procfs/id-map.js';
import { readIdMaps } from '../procfs/reader.js';
import { insideAttributes } from './attribute-ids.js';
import { LeasedFiles, takeOpenFile } from './leased-files.js';
import { readAttributes, sizeOf, type Attribute } from './tmpfs-attributes.js';
import { headerOf, type Named } from './tmpfs-header.js';

/** How much may still be read or written. */
export interface Budget {
  bytes: number;
  entries: number;
}

const STAY_INSIDE = RESOLVE.beneath | RESOLVE.noXdev | RESOLVE.noSymlinks | RESOLVE.noMagicLinks;
/** Most directories within each other: each is open while those in it are saved. */
const MAX_DEPTH = 1000;
const FAST = 1;
const NO_DATA = Buffer.alloc(0);

/** Throws ShimError `dataLoss` for anything but an absolute, plain path. */
export function checkMountPoint(path: string): void {
  const parts = path.split('/').slice(1);
  const plain = path.startsWith('/') && parts.every((part) => !['', '.', '..'].includes(part));
  if (!plain || path.includes('\0')) badImage(`${JSON.stringify(path)} is not a mount point`);
}

/** Opens a mount point as a process sees it; the caller closes it. */
export function openMount(rootPid: HostPid, mountPoint: string): number {
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    const flags = O.rdonly | O.directory | O.nofollow;
    const resolve = RESOLVE.inRoot | RESOLVE.noSymlinks | RESOLVE.noMagicLinks;
    return check(`open mount ${mountPoint}`, openAt2(root, mountPoint, flags, resolve));
  } finally {
    closeFd(root);
  }
}

/** A file as it was read, with the data of a regular one. */
export interface ReadEntry {
  readonly header: Named;
  readonly data: Buffer;
}

/** The content of a mount; other mounts below it are left out. */
export function readTree(
  rootPid: HostPid,
  mountPoint: string,
  budget: Budget,
  leased = new LeasedFiles(),
): ReadEntry[] {
  const maps = readIdMaps(rootPid);
  const top = openMount(rootPid, mountPoint);
  try {
    const reader = new TreeReader({ budget, mountPoint, maps, leased });
    reader.directory(top, '.');
    return reader.entries;
  } finally {
    closeFd(top);
  }
}

/** Makes a compressed archive, as images have it. */
export async function packTree(entries: readonly ReadEntry[]): Promise<Uint8Array> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    archive.on('data', (chunk: unknown) => chunks.push(chunk as Buffer));
    archive.on('end', resolve);
    archive.on('error', reject);
  });
  for (const { header, data } of entries) archive.entry({ ...header, size: data.length }, data);
  archive.finalize();
  await done;
  return promisify(gzip)(Buffer.concat(chunks), { level: FAST });
}

/** What to read, and within which limits. */
interface TreeRequest {
  readonly budget: Budget;
  readonly mountPoint: string;
  readonly maps: IdMaps;
  readonly leased: LeasedFiles;
}

class TreeReader {
  readonly entries: ReadEntry[] = [];
  readonly #budget: Budget;
  readonly #mountPoint: string;
  readonly #maps: IdMaps;
  readonly #leased: LeasedFiles;
  /** First name of a file that has several. */
  readonly #links = new Map<bigint, string>();

  constructor({ budget, mountPoint, maps, leased }: TreeRequest) {
    this.#budget = budget;
    this.#mountPoint = mountPoint;
    this.#maps = maps;
    this.#leased = leased;
  }

  directory(fd: number, name: string, depth = 0): void {
    if (depth > MAX_DEPTH)
      this.#refuse(`${name.slice(2, 80)}... lies too deep to be saved; remedy: remove it`);
    const self = fstatSync(fd, { bigint: true });
    const here = `/proc/self/fd/${String(fd)}`;
    this.#entry({ ...this.#headers(`${here}/.`, name, self), type: 'directory' });
    for (const raw of readdirSync(here, { encoding: 'buffer' })) {
      if (!isUtf8(raw)) {
        const path = `${name}/${decodeBytes(raw)}`.slice(2);
        this.#refuse(`${path} is a name that is not UTF-8; remedy: rename it`);
      }
      const child = raw.toString();
      const stat = lstatSync(`${here}/${child}`, { bigint: true });
      if (stat.dev === self.dev) this.#child({ fd, depth }, child, `${name}/${child}`, stat);
    }
  }

  #child(
    { fd: parent, depth }: { readonly fd: number; readonly depth: number },
    name: string,
    path: string,
    stat: BigIntStats,
  ): void {
    const first = stat.nlink > 1n && !stat.isDirectory() ? this.#links.get(stat.ino) : undefined;
    if (first !== undefined) {
      this.#entry({ ...this.#headerOf(path, stat, []), type: 'link', linkname: first });
      return;
    }
    const place = `/proc/self/fd/${String(parent)}/${name}`;
    if (stat.nlink > 1n) this.#links.set(stat.ino, path);
    if (stat.isDirectory())
      this.#open(parent, name, O.directory, (fd) => {
        this.directory(fd, path, depth + 1);
      });
    else if (stat.isFile()) {
      this.#openFile(parent, name, stat, (fd) => {
        const header = this.#headers(place, path, stat);
        this.#entry({ ...header, type: 'file' }, this.#read(fd, stat.size));
      });
    } else if (stat.isSymbolicLink()) {
      const target = readlinkSync(place, { encoding: 'buffer' });
      if (!isUtf8(target))
        this.#refuse(`${path.slice(2)} leads to a name that is not UTF-8; remedy: remove it`);
      const linkname = target.toString();
      this.#entry({ ...this.#headers(place, path, stat), type: 'symlink', linkname });
    } else if (stat.isFIFO()) {
      this.#entry({ ...this.#headers(place, path, stat), type: 'fifo' });
    } else if (!stat.isSocket() && this.#mountPoint !== '/dev') {
      this.#refuse(`${path.slice(2)} is a device node, which is not saved; remedy: remove it`);
    }
  }

  /** To open a file would break a lease for writing on it, so that is read by its holder's own descriptor. */
  #openFile(parent: number, name: string, stat: BigIntStats, work: (fd: number) => void): void {
    const holder = this.#leased.holderOf(stat);
    if (holder === undefined) {
      this.#open(parent, name, O.nonblock, work);
      return;
    }
    const fd = takeOpenFile(holder, stat);
    if (fd === undefined)
      this.#refuse(
        `${name} has a lease for writing (F_SETLEASE), and cannot be read; remedy: give it up`,
      );
    try {
      work(fd);
    } finally {
      closeFd(fd);
    }
  }

  #open(parent: number, name: string, flags: number, work: (fd: number) => void): void {
    const fd = openAt2(parent, name, O.rdonly | O.nofollow | flags, STAY_INSIDE);
    check(`open ${name} in tmpfs ${this.#mountPoint}`, fd);
    try {
      work(fd);
    } finally {
      closeFd(fd);
    }
  }

  /** `place`: where we find what has that name. */
  #headers(place: string, name: string, stat: BigIntStats): Named {
    const attributes = this.#attributesOf(place, name);
    this.#budget.bytes -= sizeOf(attributes) + Buffer.byteLength(name);
    if (this.#budget.bytes < 0)
      this.#refuse('it holds too much to be saved; remedy: remove files from it');
    return this.#headerOf(name, stat, attributes);
  }

  #attributesOf(place: string, name: string): Attribute[] {
    const attributes = readAttributes(place);
    try {
      return insideAttributes(attributes, this.#maps);
    } catch (error) {
      const why = ShimError.from(error).message;
      return this.#refuse(
        `the ACL or the capabilities of ${name.slice(2)}: ${why}; remedy: remove it`,
      );
    }
  }

  /** With the ids of the container's user namespace. */
  #headerOf(name: string, stat: BigIntStats, attributes: readonly Attribute[]): Named {
    const { users, groups } = this.#maps;
    const [user, group] = [Number(stat.uid), Number(stat.gid)];
    if (!users.has(user) || !groups.has(group))
      this.#refuse(
        `${name.slice(2)} belongs to user ${String(user)} and group ${String(group)} of the host; remedy: remove it`,
      );
    const { mode, mtimeNs } = stat;
    const owner = { uid: BigInt(users.toInside(user)), gid: BigInt(groups.toInside(group)) };
    return headerOf(name, { ...owner, mode, mtimeNs }, attributes);
  }

  #read(fd: number, size: bigint): Buffer {
    if (size > BigInt(this.#budget.bytes))
      this.#refuse('it holds too much to be saved; remedy: remove files from it');
    const data = Buffer.alloc(Number(size));
    this.#budget.bytes -= data.length;
    let got = 0;
    while (got < data.length) {
      const part = readSync(fd, data, got, data.length - got, got);
      if (part === 0) break;
      got += part;
    }
    return data;
  }

  #entry(header: Named, data: Buffer = NO_DATA): void {
    if (this.#budget.entries-- <= 0)
      this.#refuse('it holds too many files to be saved; remedy: remove some');
    this.entries.push({ header, data });
  }

  #refuse(reason: string): never {
    const what = printable(`tmpfs ${this.#mountPoint}: ${reason}`);
    throw new ShimError('failedPrecondition', what);
  }
}
