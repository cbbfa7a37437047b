// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { emptyFileParts, type FileParts } from '../../image/parts.js';
import type { FileEntry, PipeDataEntry } from '../../image/types.js';

/** The standard stream (`mvas_stdio`) of an exec, whichever: a new container has no such, and gives /dev/null. */
export const EXEC_STREAM = 3;

/** Whether a file stands for a stream of an exec. */
export function isExecStream({ mvas_stdio: which }: Pick<FileEntry, 'mvas_stdio'>): boolean {
  return which === EXEC_STREAM;
}

/** Size and unread data of a pipe or FIFO. */
export interface PipeContent {
  readonly entry: PipeDataEntry;
  readonly payload: Uint8Array;
}

/** Everything about files that goes into image files. */
export interface FilesImage extends FileParts {
  /** Which table of `fdinfo` a process uses, by its container pid; several processes may share one. */
  readonly tables: ReadonlyMap<NsPid, number>;
}

type Growing<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V extends readonly (infer E)[] ? E[] : V>
    : T extends readonly (infer E)[]
      ? E[]
      : T;

/** The same while it is being filled. */
export type FilesImageBuilder = { readonly [K in keyof FilesImage]: Growing<FilesImage[K]> };

/** One with nothing in it. */
export function emptyFilesImage(): FilesImageBuilder {
  return { ...emptyFileParts(), tables: new Map() } as FilesImageBuilder;
}
