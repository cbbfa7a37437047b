// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { IdMapOptions } from './idmapped.js';

/** fstab options translated for mount(2). */
export interface MountPlan {
  readonly flags: number;
  /** MS_SHARED and its kin, which need a call of their own; 0: none. */
  readonly propagation: number;
  /** Options of the file system. */
  readonly data: readonly string[];
  /** Set if it is to show its files with other ids. */
  readonly ids: IdMapOptions | undefined;
}

/** mount(2) flags, `include/uapi/linux/mount.h`. */
export const MS = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  synchronous: 16,
  remount: 32,
  mandlock: 64,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  bind: 4096,
  rec: 16384,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  strictatime: 1 << 24,
} as const;

interface Effect {
  readonly set?: number;
  readonly clear?: number;
}

const EFFECTS: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['async', { clear: MS.synchronous }],
  ['atime', { clear: MS.noatime }],
  ['bind', { set: MS.bind }],
  ['defaults', {}],
  ['dev', { clear: MS.nodev }],
  ['diratime', { clear: MS.nodiratime }],
  ['dirsync', { set: MS.dirsync }],
  ['exec', { clear: MS.noexec }],
  ['mand', { set: MS.mandlock }],
  ['noatime', { set: MS.noatime }],
  ['nodev', { set: MS.nodev }],
  ['nodiratime', { set: MS.nodiratime }],
  ['noexec', { set: MS.noexec }],
  ['nomand', { clear: MS.mandlock }],
  ['norelatime', { clear: MS.relatime }],
  ['nostrictatime', { clear: MS.strictatime }],
  ['nosuid', { set: MS.nosuid }],
  ['rbind', { set: MS.bind | MS.rec }],
  ['relatime', { set: MS.relatime }],
  ['remount', { set: MS.remount }],
  ['ro', { set: MS.rdonly }],
  ['rw', { clear: MS.rdonly }],
  ['strictatime', { set: MS.strictatime }],
  ['suid', { clear: MS.nosuid }],
  ['sync', { set: MS.synchronous }],
]);

const PROPAGATION: ReadonlyMap<string, number> = new Map([
  ['private', MS.private],
  ['rprivate', MS.private | MS.rec],
  ['shared', MS.shared],
  ['rshared', MS.shared | MS.rec],
  ['slave', MS.slave],
  ['rslave', MS.slave | MS.rec],
  ['unbindable', MS.unbindable],
  ['runbindable', MS.unbindable | MS.rec],
]);

const ID_MAP = /^(?<kind>uidmap|gidmap)=(?<text>\d+:\d+:\d+(?:,\d+:\d+:\d+)*)$/;

/**
 * Translates the options of a mount. Options that are not flags go to the file system.
 *
 * @throws ShimError `unimplemented` for `loop`; `invalidArgument` for maps of ids that are none, or only one of both
 */
export function planMount(options: readonly string[]): MountPlan {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of options.filter((one) => !isIdMap(one))) {
    if (option === 'loop') {
      throw new ShimError('unimplemented', `mount option ${option} is not supported`);
    }
    const effect = EFFECTS.get(option);
    const spread = PROPAGATION.get(option);
    if (effect !== undefined) flags = (flags & ~(effect.clear ?? 0)) | (effect.set ?? 0);
    else if (spread !== undefined) propagation |= spread;
    else if (!option.startsWith('X-containerd.')) data.push(option);
  }
  return { flags, propagation, data, ids: idsOf(options) };
}

function isIdMap(option: string): boolean {
  return /^[ug]idmap=/.test(option);
}

/** The ids that options of a mount ask for. @throws ShimError as {@link planMount} does */
export function idsOf(options: readonly string[]): MountPlan['ids'] {
  const maps: Record<string, string> = {};
  for (const option of options.filter(isIdMap)) {
    const { kind, text = '' } = ID_MAP.exec(option)?.groups ?? {};
    if (kind === undefined) refuse(option, 'it is not inside:host:count');
    maps[kind] = text;
  }
  const { uidmap: users, gidmap: groups } = maps;
  if (users !== undefined && groups !== undefined) return { users, groups };
  if (users !== undefined) refuse(`uidmap=${users}`, 'it comes without gidmap');
  if (groups !== undefined) refuse(`gidmap=${groups}`, 'it comes without uidmap');
  return undefined;
}

function refuse(option: string, why: string): never {
  throw new ShimError('invalidArgument', `mount option ${option}: ${why}`);
}

/**
 * Shortens overlay options that exceed a page because of many layers: lower directories become relative to the
 * longest directory they have in common, which must be the working directory of the mount call.
 */
export function shortenLowerdirs(data: string): { readonly base: string; readonly data: string } {
  const parts = data.split(',');
  const index = parts.findIndex((part) => part.startsWith('lowerdir='));
  const lower = parts[index]?.slice('lowerdir='.length).split(':') ?? [];
  const base = commonDirectory(lower);
  if (lower.length === 0 || base.length < 2) return { base: '/', data };
  parts[index] = `lowerdir=${lower.map((path) => path.slice(base.length + 1)).join(':')}`;
  return { base, data: parts.join(',') };
}

function commonDirectory(paths: readonly string[]): string {
  const [first = '', ...others] = paths.map((path) => path.split('/').slice(0, -1));
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && other[same] === first[same]) same += 1;
    length = same;
  }
  return Array.isArray(first) ? first.slice(0, length).join('/') : '';
}
