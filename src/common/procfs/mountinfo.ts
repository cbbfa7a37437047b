// SPDX-License-Identifier: Apache-2.0
import { unescapeMount } from '../octal.js';
import { splitLines, type Line, type ProcText } from './line.js';
import { remember } from './remember.js';

/** Numbers of a block or pseudo device. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** One line of /proc/PID/mountinfo. Source: proc_pid_mountinfo(5), show_mountinfo(). */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  readonly dev: DeviceNumber;
  /** Path in the file system that is the root of this mount; `mnt:[4026531841]` for a bound namespace. */
  readonly root: string;
  /** Where it is mounted, from the root of the process. */
  readonly mountPoint: string;
  /** Options of this mount: `rw`, `nosuid`, `relatime`. */
  readonly options: readonly string[];
  /** Propagation: `shared:5`, `master:3`, `propagate_from:2`, `unbindable`. */
  readonly propagation: readonly string[];
  /** Type, with a subtype where there is one: `fuse.sshfs`. */
  readonly fsType: string;
  readonly source: string;
  /** Options of the superblock: `rw`, `size=65536k`. Commas inside one option are unescaped too. */
  readonly superOptions: readonly string[];
}

const SEPARATOR = ' - ';

/** Parses /proc/PID/mountinfo; the mounts in the kernel's order (parents need not come first). */
export const parseMountinfo: (content: ProcText) => readonly MountInfo[] = remember((text) =>
  splitLines('mountinfo', text).map(parseMount),
);

function parseMount(line: Line): MountInfo {
  // No field before the separator can hold a space: the kernel escapes it.
  const cut = line.text.indexOf(SEPARATOR);
  if (cut < 0) line.fail();
  const [id, parentId, dev, root, mountPoint, options, ...propagation] = line.text
    .slice(0, cut)
    .split(' ');
  const [fsType, source, ...superOptions] = line.text.slice(cut + SEPARATOR.length).split(' ');
  if (superOptions.length === 0) line.fail();
  const [, major, minor] = /^([0-9]+):([0-9]+)$/.exec(line.present(dev)) ?? line.fail();
  return {
    id: line.integer(id),
    parentId: line.integer(parentId),
    dev: { major: line.integer(major), minor: line.integer(minor) },
    root: unescapeMount(line.present(root)),
    mountPoint: unescapeMount(line.present(mountPoint)),
    options: line.present(options).split(','),
    propagation,
    fsType: unescapeMount(line.present(fsType)),
    source: unescapeMount(line.present(source)),
    // Some file systems print options with bare spaces.
    superOptions: superOptions.join(' ').split(',').map(unescapeMount),
  };
}

/** Mount points on or below a directory, the last mounted first. */
export function mountsBelow(mounts: readonly MountInfo[], directory: string): string[] {
  return mounts
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}
