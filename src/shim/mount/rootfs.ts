// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { mountsBelow, parseMountinfo } from '../../common/procfs/mountinfo.js';
import { closeFd } from '../../native/sys.js';
import { mount, unmount } from '../linux.js';
import type { MountValue } from '../proto/values.js';
import { attach, withMappedLowers, MountIds } from './idmapped.js';
import { inDirectory } from './in-directory.js';
import { MS, planMount, shortenLowerdirs, type MountPlan } from './options.js';

/** mount(2) accepts one page of options; some of it is kept free, as in containerd. */
const MAX_DATA_BYTES = 4096 - 512;
const MNT_DETACH = 2;

/**
 * Mounts a container's root file system on a directory, in containerd's own mount namespace. On failure, unmounts
 * what was mounted.
 */
export function mountRootfs(mounts: readonly MountValue[], directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  try {
    for (const one of mounts) mountOne(one, targetBelow(directory, one.target ?? ''));
  } catch (error) {
    unmountAll(directory);
    throw error;
  }
}

/** Unmounts everything mounted on a directory or below it; busy mounts are detached. */
export function unmountAll(directory: string): void {
  for (const target of mountsBelow(
    parseMountinfo(readFileSync('/proc/self/mountinfo')),
    directory,
  )) {
    unmount(target, MNT_DETACH);
  }
}

/** A relative submount's directory, which must not lead out of the root file system. */
function targetBelow(directory: string, relative: string): string {
  if (relative === '' || relative === '/') return directory;
  const target = join(directory, relative);
  mkdirSync(target, { recursive: true, mode: 0o711 });
  const real = realpathSync(target);
  if (!real.startsWith(`${realpathSync(directory)}/`)) {
    throw new ShimError('invalidArgument', `mount target ${relative} leads out of ${directory}`);
  }
  return real;
}

function mountOne(one: MountValue, target: string): void {
  const plan = planMount(one.options ?? []);
  if (plan.ids === undefined) {
    mountPlanned(one, target, plan);
    return;
  }
  MountIds.use(plan.ids, (ids) => {
    if (one.type === 'overlay') {
      withMappedLowers(plan.data, ids, (data) => {
        mountPlanned(one, target, { ...plan, data });
      });
      return;
    }
    mountPlanned(one, target, { ...plan, propagation: 0 });
    replaceByCopy(ids, target);
    if (plan.propagation !== 0) spread(target, plan.propagation);
  });
}

function mountPlanned(
  { type = '', source = '' }: MountValue,
  target: string,
  { flags, propagation, data: options }: MountPlan,
): void {
  const data = options.join(',');
  if (data.length > MAX_DATA_BYTES) mountShortened(source, target, { type, flags, data });
  else mount(source, target, { type, flags, data });
  if ((flags & MS.bind) !== 0 && (flags & MS.rdonly) !== 0) {
    mount('', target, { type: '', flags: flags | MS.remount, data });
  }
  if (propagation !== 0) spread(target, propagation);
}

/** Ids of a mount can be mapped only while it is mounted nowhere. */
function replaceByCopy(ids: MountIds, target: string): void {
  const tree = ids.copyOf(target);
  try {
    unmount(target, MNT_DETACH);
    attach(tree, target);
  } finally {
    closeFd(tree);
  }
}

function spread(target: string, propagation: number): void {
  mount('', target, { type: '', flags: propagation, data: '' });
}

function mountShortened(
  source: string,
  target: string,
  options: { readonly type: string; readonly flags: number; readonly data: string },
): void {
  const { base, data } = shortenLowerdirs(options.data);
  inDirectory(base, () => {
    mount(source, target, { ...options, data });
  });
}
