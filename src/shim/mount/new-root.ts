// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { ShimError } from '../../common/errors.js';
import type { Bundle } from '../bundle.js';
import { mount } from '../linux.js';
import type { MountValue } from '../proto/values.js';
import { MappedFolder } from './idmapped.js';
import { idsOf, MS } from './options.js';
import { mountRootfs, unmountAll } from './rootfs.js';

/** What a new root filesystem is made of. */
export interface RootFiles {
  /** The mounts of the present one, as the client gives them: an overlay, or a bind mount. */
  readonly rootfs: readonly MountValue[];
  /** Directory with what the new one has changed; nothing changes there meanwhile. */
  readonly from: string;
}

/** A directory that takes the place of another one, beside it. */
interface Twin {
  readonly old: string;
  readonly fresh: string;
}

const DIRECTORY_OPTIONS = ['upperdir', 'workdir'] as const;

/**
 * A container's root filesystem with other content, mounted beside the present one. A mounted overlay's directories
 * must not be changed from outside, so it gets directories of its own, which take the places of the others when
 * it does.
 */
export class NewRoot {
  /** Where it is mounted. */
  readonly path: string;
  readonly #bundle: Bundle;
  readonly #twins: readonly Twin[];

  private constructor(bundle: Bundle, twins: readonly Twin[]) {
    this.path = bundle.newRootfs;
    this.#bundle = bundle;
    this.#twins = twins;
  }

  /**
   * Copies the content, and mounts it; to be adopted or dropped. On failure nothing is left.
   *
   * @throws ShimError `unimplemented` for mounts that are neither an overlay nor a bind mount
   */
  static async prepare(
    bundle: Bundle,
    { rootfs, from }: RootFiles,
    copy: (places: { readonly from: string; readonly to: string }) => Promise<void>,
  ): Promise<NewRoot> {
    const [first, ...others] = rootfs;
    const { options, source, twins } = redirect(first ?? {});
    const root = new NewRoot(bundle, twins);
    try {
      for (const { fresh } of twins) mkdirSync(fresh, { mode: 0o711 });
      await copyAs(options, from, (path) => copy({ from: path, to: twins[0]?.fresh ?? '' }));
      mountRootfs([{ ...first, source, options: [...options] }, ...others], root.path);
      return root;
    } catch (error) {
      await root.drop();
      throw error;
    }
  }

  /** Puts it in the place of the present one, whose processes have gone. What that consisted of is to be removed. */
  adopt(): void {
    const { rootfs } = this.#bundle;
    unmountAll(rootfs);
    mount(this.path, rootfs, { type: '', flags: MS.bind | MS.rec, data: '' });
    unmountAll(this.path);
    for (const { old, fresh } of this.#twins) {
      renameSync(old, awayFrom(fresh));
      renameSync(fresh, old);
    }
    rmdirSync(this.path);
  }

  /** Removes what it has taken the place of. */
  async removeOld(): Promise<void> {
    for (const { fresh } of this.#twins)
      await rm(awayFrom(fresh), { recursive: true, force: true });
  }

  /** Removes it. */
  async drop(): Promise<void> {
    unmountAll(this.path);
    if (existsSync(this.path)) rmdirSync(this.path);
    for (const { fresh } of this.#twins) await rm(fresh, { recursive: true, force: true });
  }
}

/** Copies what belongs to a layer below, whose ids a mount with these options shows as others. */
export async function copyAs(
  options: readonly string[],
  from: string,
  copy: (from: string) => Promise<void>,
): Promise<void> {
  const ids = idsOf(options);
  if (ids === undefined) {
    await copy(from);
    return;
  }
  const folder = MappedFolder.open(from, ids);
  try {
    await copy(folder.path);
  } finally {
    folder.close();
  }
}

/** Where the directory goes whose place another one takes. */
function awayFrom(fresh: string): string {
  return `${fresh}-old`;
}

/** The same mount with other directories in the places of those that are written to, the one with the changes first. Pure. */
function redirect({ type = '', source = '', options = [] }: MountValue): {
  readonly source: string;
  readonly options: readonly string[];
  readonly twins: readonly Twin[];
} {
  const twinOf = (old: string): Twin => ({
    old,
    fresh: `${old}.mvas-${randomBytes(8).toString('hex')}`,
  });
  if (type === 'bind') {
    const twin = twinOf(source);
    return { source: twin.fresh, options, twins: [twin] };
  }
  const found = DIRECTORY_OPTIONS.flatMap((name) => {
    const option = options.find((one) => one.startsWith(`${name}=`));
    return option === undefined
      ? []
      : [{ option, name, twin: twinOf(option.slice(name.length + 1)) }];
  });
  if (type !== 'overlay' || found.length < DIRECTORY_OPTIONS.length) {
    const message = `a root filesystem of type ${JSON.stringify(type)} cannot be put back to other content`;
    throw new ShimError('unimplemented', `${message}; remedy: leave it as it is (--no-rootfs)`);
  }
  const others = options.filter((option) => found.every((one) => one.option !== option));
  const replaced = found.map(({ name, twin }) => `${name}=${twin.fresh}`);
  return { source, options: [...others, ...replaced], twins: found.map(({ twin }) => twin) };
}
