// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { isPlace, type Place } from '../common/place.js';
import type { VasRecord } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import type { Info } from '../common/messages/content.js';

/** Content of containerd that is larger than an image by more than this for each file is another thing: headers of tar. */
const PER_FILE = 4096;
const FOR_ALL = 65_536;
/** Clocks of two processes. */
const SKEW_MS = 2000;

/** What a VAS's life says about containerd: which one it is, and what of it keeps the VAS. */
export interface Note {
  readonly place: Place;
  /** The files of a snapshot, in one of containerd's snapshotters. */
  readonly files?: { readonly snapshotter: string; readonly key: string };
  /** The content that the image was stored as, once that is known. */
  readonly digest?: string;
}

/** A note as text. */
export function encodeNote(note: Note): string {
  return JSON.stringify(note);
}

/** The note in a text; undefined if it is none. */
export function decodeNote(text: string): Note | undefined {
  try {
    const note = JSON.parse(text) as Note;
    return isPlace(note.place) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** Whether what keeps a VAS is gone, and the note as it is to be from now on. */
export interface Kept {
  readonly isGone: boolean;
  readonly note: Note;
}

/**
 * Asks containerd whether it has collected what keeps a VAS. What it has never had is not gone: it may come.
 *
 * @throws ShimError if containerd does not tell
 */
export async function lookAtContainerd(
  api: ContainerdApi,
  note: Note,
  record: Pick<VasRecord, 'id' | 'createdAt' | 'imageSize'>,
): Promise<Kept> {
  const { files, digest } = note;
  if (files) return { isGone: !(await exists(api.call('Snapshots/Stat', files))), note };
  if (digest !== undefined) {
    return { isGone: !(await exists(api.call('Content/Info', { digest }))), note };
  }
  const found = await findContent(api, record);
  return { isGone: false, note: found === undefined ? note : { ...note, digest: found } };
}

async function exists(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (ShimError.from(error).kind === 'notFound') return false;
    throw error;
  }
}

/** The digest of the content with the image of a VAS, known by the id in its vas.json. */
async function findContent(
  api: ContainerdApi,
  { id, createdAt, imageSize }: Pick<VasRecord, 'id' | 'createdAt' | 'imageSize'>,
): Promise<string | undefined> {
  const { bytes, files } = imageSize;
  const since = Date.parse(createdAt) - SKEW_MS;
  const most = bytes + files * PER_FILE + FOR_ALL;
  const candidates: string[] = [];
  for await (const { info } of api.stream('Content/List', {})) {
    for (const { digest = '', size = 0n, ...one } of info) {
      const fits = size >= bytes && size <= most && timeOf(one) >= since;
      if (fits) candidates.push(digest);
    }
  }
  for (const digest of candidates) if (await mentions(api, digest, `"${id}"`)) return digest;
  return undefined;
}

function timeOf({ createdAt }: Partial<Info>): number {
  return Number(createdAt?.seconds ?? 0n) * 1000;
}

async function mentions(api: ContainerdApi, digest: string, text: string): Promise<boolean> {
  let end = '';
  for await (const { data } of api.stream('Content/Read', { digest })) {
    const part = end + Buffer.from(data).toString('latin1');
    if (part.includes(text)) return true;
    end = part.slice(-text.length);
  }
  return false;
}
