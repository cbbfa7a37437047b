// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { run } from '../run.js';

/** One entry of a root filesystem, by its path without leading slash. */
export type Entry =
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'content'; readonly content: string; readonly mode: number }
  | {
      readonly kind: 'copy';
      readonly source: string;
      readonly mode: number;
      readonly size: number;
      readonly stamp: string;
    };

const SKELETON = [
  'dev',
  'etc',
  'proc',
  'root',
  'run',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'usr/lib',
  'usr/lib64',
  'usr/sbin',
  'var',
  'var/log',
];
const MERGED_USR = ['bin', 'lib', 'lib64', 'sbin'];

/**
 * A root filesystem under construction, put together from files of this host: no registry is needed.
 * Paths follow Debian's merged /usr, as on the host the files come from.
 */
export class RootFilesystem {
  readonly #entries = new Map<string, Entry>();

  constructor() {
    for (const path of SKELETON) this.directory(path);
    for (const name of MERGED_USR) this.symlink(name, `usr/${name}`);
    this.directory('tmp', 0o1777);
    this.content(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\n',
    );
    this.content('etc/group', 'root:x:0:\nwww-data:x:33:\n');
    this.content('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
    this.content('etc/hosts', '127.0.0.1 localhost\n');
  }

  /** All entries, parents before their contents. */
  entries(): (readonly [string, Entry])[] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  directory(path: string, mode = 0o755): void {
    this.#parents(path);
    this.#entries.set(path, { kind: 'directory', mode });
  }

  symlink(path: string, target: string): void {
    this.#parents(path);
    this.#entries.set(path, { kind: 'symlink', target });
  }

  content(path: string, content: string, mode = 0o644): void {
    this.#parents(path);
    this.#entries.set(path, { kind: 'content', content, mode });
  }

  /** Copies one host file (symlinks followed) to `path`. */
  async copy(source: string, path: string): Promise<void> {
    const { mode, size, mtimeMs } = await stat(source);
    this.#parents(path);
    const entry = {
      kind: 'copy',
      source,
      mode: mode & 0o777,
      size,
      stamp: String(mtimeMs),
    } as const;
    this.#entries.set(path, entry);
  }

  /** Copies an executable or shared object with all shared objects it needs, to where it expects them. */
  async binary(source: string, path = source.replace(/^\/+/, '')): Promise<void> {
    await this.copy(source, path);
    await this.libraries(source);
  }

  /** Copies the shared objects that an executable or shared object needs. */
  async libraries(source: string): Promise<void> {
    const listing = await run('ldd', [source]).catch(() => ''); // static executables have none
    for (const [, library] of listing.matchAll(/(?:=>\s+|^\s*)(\/\S+)\s+\(0x/gm)) {
      if (library === undefined) continue;
      const place = join(await realpath(dirname(library)), basename(library)).slice(1);
      if (!this.#entries.has(place)) await this.copy(library, place);
    }
  }

  /** Copies a directory tree, leaving out entries by name. */
  async tree(source: string, leaveOut: ReadonlySet<string> = new Set()): Promise<void> {
    this.directory(source.slice(1));
    for (const name of await readdir(source)) {
      if (leaveOut.has(name)) continue;
      const from = join(source, name);
      const info = await lstat(from);
      if (info.isDirectory()) await this.tree(from, leaveOut);
      else if (info.isSymbolicLink()) this.symlink(from.slice(1), await readlink(from));
      else if (info.isFile()) await this.copy(from, from.slice(1));
    }
  }

  /** Digest of everything that goes in; host files count by path, size and time of change. */
  digest(): string {
    const hash = createHash('sha256');
    for (const [path, entry] of this.entries()) hash.update(`${path}\0${JSON.stringify(entry)}\n`);
    return hash.digest('hex');
  }

  #parents(path: string): void {
    const parent = dirname(path);
    if (parent !== '.' && !this.#entries.has(parent)) this.directory(parent);
  }
}
