// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

/* Layers of overlayfs, and programs that change files in them. */

const NAMES = ['a', 'b', 'c'];

/** Directories for layers, and mounts of them that go away with the test. */
export class Place {
  readonly top = mkdtempSync('/var/tmp/mvas-layers-');
  readonly #mounts: string[] = [];

  constructor(t: ExecutionContext) {
    t.teardown(() => {
      this.drop();
    });
  }

  folder(name: string): string {
    const path = join(this.top, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Mounts layers, the uppermost first, over each other. */
  merge(name: string, lower: readonly string[], upper?: string): string {
    const at = this.folder(name);
    const work =
      upper === undefined ? '' : `,upperdir=${upper},workdir=${this.folder(`${name}.work`)}`;
    const options = `lowerdir=${lower.join(':')}${work}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, at]);
    this.#mounts.push(at);
    return at;
  }

  /** A file system with little room. */
  small(name: string, size: string): string {
    const at = this.folder(name);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'mvas-small', at]);
    this.#mounts.push(at);
    return at;
  }

  /** Unmounts all. */
  release(): void {
    for (const at of this.#mounts.splice(0)) execFileSync('umount', [at]);
  }

  drop(): void {
    this.release();
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** All that a merged tree has, as a program in it sees it. */
export function contentOf(top: string): Map<string, string> {
  const paths = readdirSync(top, { recursive: true, encoding: 'utf8' });
  return new Map(
    paths.map((path) => {
      const at = join(top, path);
      const stat = lstatSync(at, { bigint: true });
      const { mode, uid, gid, mtimeNs } = stat;
      const content = stat.isFile()
        ? readFileSync(at, 'utf8')
        : stat.isSymbolicLink()
          ? readlinkSync(at)
          : '';
      const time = stat.isDirectory() ? 0n : mtimeNs;
      return [`/${path}`, [mode, uid, gid, time, content].join()] as const;
    }),
  );
}

/** Something that a program does to its files; what cannot be done is not. */
export interface Step {
  readonly what: 'write' | 'folder' | 'link' | 'remove' | 'mode' | 'replace';
  readonly path: readonly string[];
  readonly text: string;
}

/** Random steps. */
export const STEPS = fc.array(
  fc.record<Step>({
    what: fc.constantFrom('write', 'folder', 'link', 'remove', 'mode', 'replace'),
    path: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    text: fc.constantFrom('x', 'y', 'longer'),
  }),
  { maxLength: 12 },
);

/** Does a step below a directory. */
export function take(top: string, { what, path, text }: Step): void {
  const at = join(top, ...path);
  try {
    if (what === 'write') writeFileSync(at, text);
    else if (what === 'folder') mkdirSync(at);
    else if (what === 'link') symlinkSync(text, at);
    else if (what === 'mode') chmodSync(at, 0o711);
    else rmSync(at, { recursive: true });
    if (what === 'replace') mkdirSync(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}
