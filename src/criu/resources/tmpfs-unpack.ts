// SPDX-License-Identifier: Apache-2.0
import { fstatSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import type { HostPid } from '../../common/ids.js';
import { badImage, ShimError } from '../../common/errors.js';
import { AT_SYMLINK_NOFOLLOW, O, PAGE, RESOLVE, S_IF } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, check, closeFd, SYS } from '../../native/sys.js';
import { asOwner } from './as-owner.js';
import { cPath, openAt2, openHow } from './files/system.js';
import type { IdMaps } from '../procfs/id-map.js';
import { readIdMaps } from '../procfs/reader.js';
import { outsideAttributes } from './attribute-ids.js';
import { type Attribute, fromPax, sizeOf, writeAttributes } from './tmpfs-attributes.js';
import { codeOf } from '../image/fs-errors.js';
import { inodeOf, type Named } from './tmpfs-header.js';
import { openMount, type Budget } from './tmpfs-pack.js';

/** What an archive says about an entry: only the name is certain, whatever its types claim. */
type Header = Named;

const INSIDE = RESOLVE.inRoot | RESOLVE.noXdev | RESOLVE.noSymlinks | RESOLVE.noMagicLinks;
const EEXIST = -17;
const SECOND = 1_000_000_000n;
const PAGE_BYTES = Number(PAGE);
const ZEROS = Buffer.alloc(PAGE_BYTES);
/** Most bytes of an entry's headers and padding. */
const ENTRY_OVERHEAD = 4096;
const MAX_OUTPUT = 1 << 30;
/** Bytes of an archive that is unpacked in one go, unless more comes out of it. */
const SMALL_ARCHIVE = 1 << 16;
const MOST_AT_ONCE = 1 << 20;
/** Names of 255 bytes that are shorter than PATH_MAX together: a tree may be deeper than a path. */
const NAMES_AT_ONCE = 15;

/** An entry of an archive. */
interface Entry {
  readonly header: Header;
  readonly data: Buffer;
}

/** What an archive holds. */
export type Tree = readonly Entry[];

/** Reads an archive. Throws ShimError `dataLoss` for one that no checkpoint makes, or that holds too much. */
export async function readArchive(
  mountPoint: string,
  archive: Uint8Array,
  budget: Budget,
): Promise<Tree> {
  const entries: Entry[] = [];
  const tar = await unzip(mountPoint, archive, budget);
  await forEachEntry(tar, mountPoint, (header, data) => {
    budget.bytes -= data.length + sizeOf(fromPax(header.pax));
    if (budget.entries-- <= 0 || budget.bytes < 0) tooMuch(mountPoint);
    entries.push({ header, data });
  });
  return entries;
}

function tooMuch(mountPoint: string): never {
  badImage(`tmpfs ${mountPoint}: the archive holds too much content`);
}

async function unzip(mountPoint: string, archive: Uint8Array, budget: Budget): Promise<Buffer> {
  const limit = Math.min(budget.bytes + budget.entries * ENTRY_OVERHEAD, MAX_OUTPUT);
  try {
    // Most hold next to nothing, which a thread would take longer for.
    if (archive.length <= SMALL_ARCHIVE) {
      const tar = unzipSmall(archive, limit);
      if (tar) return tar;
    }
    return await promisify(gunzip)(archive, { maxOutputLength: limit });
  } catch (error) {
    throw new ShimError('dataLoss', `tmpfs ${mountPoint}: bad archive: ${String(error)}`);
  }
}

/** Undefined if there is more in it than may be unpacked at once. */
function unzipSmall(archive: Uint8Array, limit: number): Buffer | undefined {
  try {
    return gunzipSync(archive, { maxOutputLength: Math.min(limit, MOST_AT_ONCE) });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

/** Writes what an archive holds into a mount. Throws ShimError `dataLoss` for an archive that no checkpoint makes. */
export function writeTree(rootPid: HostPid, mountPoint: string, tree: Tree): void {
  const maps = readIdMaps(rootPid);
  const top = openMount(rootPid, mountPoint);
  try {
    const unpacker = new TreeUnpacker(top, { mountPoint, maps });
    const [user, group] = [maps.users.toOutside(0), maps.groups.toOutside(0)];
    asOwner(user, group, () => {
      for (const { header, data } of tree) unpacker.entry(header, data);
    });
    unpacker.finish();
  } finally {
    closeFd(top);
  }
}

async function forEachEntry(
  tar: Buffer,
  mountPoint: string,
  work: (header: Header, data: Buffer) => void,
): Promise<void> {
  const stream = extract();
  stream.end(tar);
  try {
    for await (const entry of stream) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      work(entry.header, Buffer.concat(chunks));
    }
  } catch (error) {
    if (error instanceof ShimError) throw error;
    throw new ShimError('dataLoss', `tmpfs ${mountPoint}: bad archive: ${String(error)}`);
  }
}

class TreeUnpacker {
  readonly #top: number;
  readonly #mountPoint: string;
  readonly #maps: IdMaps;
  /**
   * Directories, whose times are set when nothing more is written into them, and whose default ACLs are set when
   * nothing is created there any more.
   */
  readonly #directories: { readonly path: readonly string[]; readonly header: Header }[] = [];

  constructor(
    top: number,
    { mountPoint, maps }: { readonly mountPoint: string; readonly maps: IdMaps },
  ) {
    this.#top = top;
    this.#mountPoint = mountPoint;
    this.#maps = maps;
  }

  entry(header: Header, data: Buffer): void {
    const path = this.#parts(header.name);
    const name = path.at(-1);
    if (name === undefined) {
      if (header.type !== 'directory') this.#bad('its root is not a directory');
      this.#directories.push({ path, header });
      this.#own(this.#top, header);
      return;
    }
    const parent = this.#openDirectory(path.slice(0, -1));
    try {
      this.#make(parent, name, { path, header, data });
      if (header.type === 'directory' || header.type === 'link') return;
      writeAttributes(`/proc/self/fd/${String(parent)}/${name}`, this.#attributesOf(header));
      setTime(parent, header, name);
    } finally {
      closeFd(parent);
    }
  }

  #attributesOf({ pax }: Header): Attribute[] {
    return outsideAttributes(fromPax(pax), this.#maps);
  }

  /** Sets what later entries would have changed. */
  finish(): void {
    for (const { path, header } of this.#directories.reverse()) {
      const fd = this.#openDirectory(path);
      try {
        writeAttributes(`/proc/self/fd/${String(fd)}/.`, this.#attributesOf(header));
        setTime(fd, header);
      } finally {
        closeFd(fd);
      }
    }
  }

  #make(
    parent: number,
    name: string,
    { path, header, data }: { path: readonly string[]; header: Header; data: Buffer },
  ): void {
    const entry = cPath(name);
    switch (header.type) {
      case 'directory':
        this.#makeDirectory(parent, name, header);
        this.#directories.push({ path, header });
        return;
      case 'file':
        this.#makeFile(parent, name, header, data);
        return;
      case 'symlink':
        this.#replace(parent, name, () =>
          syscall(SYS.symlinkat, cPath(header.linkname ?? ''), parent, entry),
        );
        this.#ownLink(parent, name, header);
        return;
      case 'link':
        this.#makeLink(parent, name, header);
        return;
      case 'fifo':
        this.#replace(parent, name, () =>
          syscall(SYS.mknodat, parent, entry, S_IF.fifo | 0o600, 0),
        );
        this.#ownLink(parent, name, header);
        this.#chmodFifo(parent, name, header);
        return;
      default:
        this.#bad(`an entry of type ${String(header.type)}`);
    }
  }

  #makeDirectory(parent: number, name: string, header: Header): void {
    const made = syscall(SYS.mkdirat, parent, cPath(name), 0o700);
    if (made !== EEXIST) check(`make directory ${name}`, made);
    const fd = openAt2(parent, name, O.rdonly | O.directory | O.nofollow, INSIDE);
    check(`open directory ${name}`, fd);
    try {
      this.#own(fd, header);
    } finally {
      closeFd(fd);
    }
  }

  #makeFile(parent: number, name: string, header: Header, data: Buffer): void {
    const flags = O.creat | O.excl | O.wronly | O.nofollow | O.cloexec;
    const how = openHow(flags, 0o600, INSIDE);
    const fd = this.#replace(parent, name, () =>
      syscall(SYS.openat2, parent, cPath(name), how, how.length),
    );
    try {
      writeSparsely(fd, name, data);
      this.#own(fd, header);
      setTime(fd, header);
    } finally {
      closeFd(fd);
    }
  }

  #makeLink(parent: number, name: string, header: Header): void {
    const target = this.#parts(header.linkname ?? '');
    const first = target.at(-1) ?? this.#bad('a link to its root');
    const from = this.#openDirectory(target.slice(0, -1));
    try {
      this.#replace(parent, name, () =>
        syscall(SYS.linkat, from, cPath(first), parent, cPath(name), 0),
      );
    } finally {
      closeFd(from);
    }
  }

  /** Creates something whose name may be taken by a file that came with the mount. */
  #replace(parent: number, name: string, make: () => number): number {
    const made = make();
    if (made !== EEXIST) return check(`make ${name} in tmpfs ${this.#mountPoint}`, made);
    call(`replace ${name} in tmpfs ${this.#mountPoint}`, SYS.unlinkat, parent, cPath(name), 0);
    return check(`make ${name} in tmpfs ${this.#mountPoint}`, make());
  }

  #own(fd: number, header: Header): void {
    call('set an owner', SYS.fchown, fd, ...this.#ownerOf(header));
    call('set a mode', SYS.fchmod, fd, inodeOf(header).mode);
  }

  #ownLink(parent: number, name: string, header: Header): void {
    const owner = this.#ownerOf(header);
    call('set an owner', SYS.fchownat, parent, cPath(name), ...owner, AT_SYMLINK_NOFOLLOW);
  }

  /** User and group, as the host sees them. */
  #ownerOf(header: Header): [user: number, group: number] {
    const { uid, gid } = inodeOf(header);
    return [this.#maps.users.toOutside(uid), this.#maps.groups.toOutside(gid)];
  }

  #chmodFifo(parent: number, name: string, header: Header): void {
    const fd = openAt2(parent, name, O.rdonly | O.nonblock | O.nofollow, INSIDE);
    check(`open FIFO ${name}`, fd);
    try {
      if ((fstatSync(fd).mode & S_IF.mask) !== S_IF.fifo) this.#bad(`${name} is no FIFO`);
      call('set a mode', SYS.fchmod, fd, inodeOf(header).mode);
    } finally {
      closeFd(fd);
    }
  }

  #openDirectory(path: readonly string[]): number {
    const flags = O.rdonly | O.directory | O.nofollow;
    let fd = check(`open tmpfs ${this.#mountPoint}`, openAt2(this.#top, '.', flags, INSIDE));
    for (let at = 0; at < path.length; at += NAMES_AT_ONCE) {
      const name = path.slice(at, at + NAMES_AT_ONCE).join('/');
      const next = openAt2(fd, name, flags, INSIDE);
      closeFd(fd);
      fd = check(`open ${name} in tmpfs ${this.#mountPoint}`, next);
    }
    return fd;
  }

  /** The components of a name in the archive: `./run/lock` or `run/lock`. */
  #parts(name: string): readonly string[] {
    if (name.startsWith('/') || name.includes('\0')) this.#bad(`the name ${JSON.stringify(name)}`);
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) this.#bad(`the name ${JSON.stringify(name)}`);
    return parts;
  }

  #bad(what: string): never {
    return badImage(`tmpfs ${this.#mountPoint}: the archive holds ${what}`);
  }
}

/**
 * Sets the time of the last change; the last access is set to the same. For what a descriptor refers to, or for
 * what has a name below it.
 */
function setTime(fd: number, header: Header, name: string | null = null): void {
  const { mtimeNs } = inodeOf(header);
  const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND;
  const seconds = (mtimeNs - nanoseconds) / SECOND;
  const times = BigInt64Array.of(seconds, nanoseconds, seconds, nanoseconds);
  const path = name === null ? null : cPath(name);
  call('set a time', SYS.utimensat, fd, path, times, name === null ? 0 : AT_SYMLINK_NOFOLLOW);
}

/** Writes a new file; pages of zeros become holes. */
function writeSparsely(fd: number, name: string, data: Buffer): void {
  call(`size ${name}`, SYS.ftruncate, fd, data.length);
  for (let at = 0; at < data.length;) {
    const page = data.subarray(at, at + PAGE_BYTES);
    if (page.equals(ZEROS.subarray(0, page.length))) at += page.length;
    else at += call(`write ${name}`, SYS.pwrite64, fd, page, page.length, at);
  }
}
