// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MountValue } from '../proto/values.js';
import { copyAs } from './new-root.js';

/** What has become of a snapshot's files. */
export interface GivenFiles {
  /** Why the root filesystem lacks them; undefined: it has them. */
  readonly lack: string | undefined;
  /** Takes away what was given; nothing may be mounted. */
  readonly undo: () => Promise<void>;
}

/** How files are given. */
interface Giving {
  /** Lays a layer over a directory. */
  readonly addLayer: (places: { readonly from: string; readonly to: string }) => Promise<void>;
  /** Whether both have one image although its layers are other directories: it may have been unpacked twice. */
  readonly isSameImage: () => Promise<boolean>;
}

/**
 * Gives a root filesystem what the container of a snapshot had changed in its own, before it is mounted. Only to one that
 * lies on the same image and that nobody has written to. On failure nothing is given.
 *
 * @param wanted layers of the snapshot, the uppermost first
 */
export async function giveFiles(
  rootfs: readonly MountValue[],
  wanted: readonly string[],
  { addLayer, isSameImage }: Giving,
): Promise<GivenFiles> {
  const judged = await judge(rootfs, wanted, isSameImage);
  if (typeof judged === 'string') return lacks(judged);
  const { missing, upper } = judged;
  if (missing.length === 0) return { lack: undefined, undo: () => Promise.resolve() };
  const undo = (): Promise<void> => empty(upper);
  try {
    for (const layer of missing) {
      await copyAs(rootfs[0]?.options ?? [], layer, (from) => addLayer({ from, to: upper }));
    }
  } catch (error) {
    await undo();
    throw error;
  }
  return { lack: undefined, undo };
}

/** The layers that a root filesystem is to be given, the lowest first, and where; or why it is given none. */
async function judge(
  rootfs: readonly MountValue[],
  wanted: readonly string[],
  isSameImage: () => Promise<boolean>,
): Promise<{ readonly missing: readonly string[]; readonly upper: string } | string> {
  const upper = upperOf(rootfs);
  const layers = layersOf(rootfs);
  const found = layers && missingLayers(layers, wanted);
  const isSame = found !== undefined || (await isSameImage());
  if (!layers || upper === undefined)
    return 'its root filesystem is not an overlay that containerd has made';
  const missing = found ?? (isSame ? layersAbove(layers, wanted) : undefined);
  if (!missing) return 'its root filesystem lies on other layers than that of the snapshot';
  if (missing.length === 0 || isFresh(rootfs)) return { missing, upper };
  return 'something has been written to its root filesystem before';
}

/** Whether nobody has written to a root filesystem yet; false also if that is not known. */
export function isFresh(rootfs: readonly MountValue[]): boolean {
  const upper = upperOf(rootfs);
  return upper !== undefined && readdirSync(upper).length === 0;
}

/** What a root filesystem lacks of a snapshot's layers, the lowest first; undefined if it lies on others. Pure. */
export function missingLayers(
  own: readonly string[],
  wanted: readonly string[],
): readonly string[] | undefined {
  const extra = wanted.length - own.length;
  const isBelow = own.every((layer, index) => layer === wanted[extra + index]);
  return isBelow ? layersAbove(own, wanted) : undefined;
}

/** The layers of a snapshot above an image that has as many as that of a root filesystem; undefined if it has too few. */
function layersAbove(
  own: readonly string[],
  wanted: readonly string[],
): readonly string[] | undefined {
  const extra = wanted.length - own.length;
  return extra >= 0 ? wanted.slice(0, extra).reverse() : undefined;
}

/** The layers of a root filesystem that are only read, the uppermost first; undefined if it is no overlay. Pure. */
export function layersOf(rootfs: readonly MountValue[]): readonly string[] | undefined {
  return optionOf(rootfs, 'lowerdir')?.split(':');
}

/** Where the changes of a root filesystem go; undefined if it is no overlay. Pure. */
export function upperOf(rootfs: readonly MountValue[]): string | undefined {
  return optionOf(rootfs, 'upperdir');
}

function optionOf([first]: readonly MountValue[], name: string): string | undefined {
  if (first?.type !== 'overlay') return undefined;
  return first.options?.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
}

function lacks(lack: string): GivenFiles {
  return { lack, undo: () => Promise.resolve() };
}

async function empty(directory: string): Promise<void> {
  for (const name of readdirSync(directory)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
