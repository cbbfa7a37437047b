// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeBytes, encodeBytes } from '../../common/bytes.js';
import { ShimError } from '../../common/errors.js';
import { readAttributes, type Attribute } from '../resources/tmpfs-attributes.js';

/** What is different about a file. */
export interface FileDiff {
  /** From the top of the root filesystem; begins with a slash. */
  readonly path: string;
  readonly change: 'added' | 'changed' | 'deleted';
}

/** Directories that are merged, the uppermost first. */
type Layers = readonly string[];

/** What lies at a path of merged directories. */
interface Entry {
  readonly path: string;
  readonly stat: BigIntStats;
  /** Where its parts lie, if it is a directory. */
  readonly parts: Layers;
}

const CHUNK = 1 << 20;
/** Attributes of overlayfs itself; with `userxattr` they begin with `user`. */
const OVERLAY = /^(trusted|user)\.overlay\./;

/**
 * Compares two root filesystems of overlayfs by their layers (kernel filesystems/overlayfs.rst). Only what lies in a
 * layer that they do not share is looked at. Times of directories and of access do not count.
 *
 * @throws ShimError `unimplemented` for directories that overlayfs has renamed (redirect_dir), and for files whose
 * content it has left below (metacopy); AbortError
 */
export async function diffLayers(
  before: Layers,
  after: Layers,
  signal?: AbortSignal,
): Promise<FileDiff[]> {
  const found: FileDiff[] = [];
  const compareIn = async (path: string, old: Layers, young: Layers): Promise<void> => {
    await turn(undefined, { signal });
    for (const name of namesIn(apart(old, young))) {
      await compare(`${path}/${name}`, entryIn(old, name), entryIn(young, name));
    }
  };
  const compare = async (path: string, old?: Entry, young?: Entry): Promise<void> => {
    const change = changeOf(old, young);
    if (change) found.push({ path, change });
    await compareIn(path, old?.parts ?? [], young?.parts ?? []);
  };
  await compareIn('', before, after);
  return found;
}

/** The directories that only one side has. */
function apart(old: Layers, young: Layers): string[] {
  const [ours, theirs] = [new Set(old), new Set(young)];
  return [...old.filter((path) => !theirs.has(path)), ...young.filter((path) => !ours.has(path))];
}

/** All names in some directories, in order. */
function namesIn(directories: Layers): string[] {
  const names = directories.flatMap((path) =>
    readdirSync(encodeBytes(path), { encoding: 'buffer' }).map(decodeBytes),
  );
  return [...new Set(names)].sort();
}

/** What lies under a name in merged directories. */
function entryIn(directories: Layers, name: string): Entry | undefined {
  let top: Omit<Entry, 'parts'> | undefined;
  const parts: string[] = [];
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    const stat = lstatSync(encodeBytes(path), { bigint: true, throwIfNoEntry: false });
    if (!stat) continue;
    if (isWhiteout(stat)) break;
    if (!stat.isDirectory() && top) break;
    top ??= { path, stat };
    if (!stat.isDirectory()) break;
    parts.push(path);
    if (isOpaque(path)) break;
  }
  return top && { ...top, parts };
}

function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

function isOpaque(path: string): boolean {
  const own = readAttributes(path).filter(({ name }) => OVERLAY.test(name));
  if (own.some(({ name }) => name.endsWith('.redirect')))
    refuse(path, 'was renamed (redirect_dir)');
  return own.some(({ name, value }) => name.endsWith('.opaque') && value[0] === 'y'.charCodeAt(0));
}

function changeOf(old?: Entry, young?: Entry): FileDiff['change'] | undefined {
  if (!old) return young && 'added';
  if (!young) return 'deleted';
  return old.path === young.path || areAlike(old, young) ? undefined : 'changed';
}

function areAlike(old: Entry, young: Entry): boolean {
  const [a, b] = [old.stat, young.stat];
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  if (attributesOf(old) !== attributesOf(young)) return false;
  if (a.isDirectory()) return true;
  if (a.size !== b.size || a.mtimeNs !== b.mtimeNs) return false;
  if (a.isSymbolicLink()) return targetOf(old).equals(targetOf(young));
  return !a.isFile() || haveSameContent(old.path, young.path);
}

/** A text that is the same for the same extended attributes. */
function attributesOf({ path }: Entry): string {
  const attributes = readAttributes(path);
  if (attributes.some(({ name }) => OVERLAY.test(name) && name.endsWith('.metacopy')))
    refuse(path, 'has its content in a lower layer (metacopy)');
  const own = attributes.filter(({ name }) => !OVERLAY.test(name));
  return own.map(textOf).sort().join(' ');
}

function textOf({ name, value }: Attribute): string {
  return `${encodeURIComponent(name)}=${Buffer.from(value).toString('base64')}`;
}

function targetOf({ path }: Entry): Buffer {
  return readlinkSync(encodeBytes(path), { encoding: 'buffer' });
}

function haveSameContent(path: string, other: string): boolean {
  const files = [path, other].map((one) => openSync(encodeBytes(one), 'r'));
  const [a = -1, b = -1] = files;
  try {
    const [ours, theirs] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
    for (let at = 0; ; at += CHUNK) {
      const length = readSync(a, ours, 0, CHUNK, at);
      if (readSync(b, theirs, 0, CHUNK, at) !== length) return false;
      if (!ours.subarray(0, length).equals(theirs.subarray(0, length))) return false;
      if (length < CHUNK) return true;
    }
  } finally {
    for (const fd of files) closeSync(fd);
  }
}

function refuse(path: string, why: string): never {
  const message = `compare root filesystems: ${path} ${why}, which is not supported`;
  throw new ShimError('unimplemented', message);
}
