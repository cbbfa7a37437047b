// SPDX-License-Identifier: Apache-2.0
import type { PayloadEntry } from '../../image/codec.js';
import type { GhostFile } from '../../image/ghost.js';
import type {
  FdinfoEntry,
  FileEntry,
  FileLockEntry,
  FsEntry,
  MemfdInodeEntry,
  PipeDataEntry,
  RemapFilePathEntry,
  TtyInfoEntry,
} from '../../image/types.js';

/** Size and unread data of a pipe or FIFO. */
export interface PipeContent {
  readonly entry: PipeDataEntry;
  readonly payload: Uint8Array;
}

/**
 * Everything about files that goes into image files. Which file a part goes to:
 *
 *     files      files.img            pipeData   pipes-data.img     remaps     remap-fpath.img
 *     fdinfo     fdinfo-<id>.img      fifoData   fifo-data.img      ghosts     ghost-file-<id>.img
 *     fs         fs-<nsPid>.img       packets    sk-queues.img      memfds     memfd.img
 *     locks      filelocks.img        tables     ids-<nsPid>.img, files_id
 *     ttys       tty-info.img
 */
export interface FilesImage {
  readonly files: readonly FileEntry[];
  /** Descriptors of each table. */
  readonly fdinfo: ReadonlyMap<number, readonly FdinfoEntry[]>;
  /** Which table of `fdinfo` a process uses, by its pid in the container; several may share one. */
  readonly tables: ReadonlyMap<number, number>;
  /** By pid in the container. */
  readonly fs: ReadonlyMap<number, FsEntry>;
  readonly pipeData: readonly PipeContent[];
  readonly fifoData: readonly PipeContent[];
  readonly packets: readonly PayloadEntry<'sk-queues'>[];
  readonly remaps: readonly RemapFilePathEntry[];
  /** Deleted files by the `remap_id` of `remaps`, and content of memfds by their `shmid`. */
  readonly ghosts: ReadonlyMap<number, GhostFile>;
  readonly memfds: readonly MemfdInodeEntry[];
  readonly locks: readonly FileLockEntry[];
  readonly ttys: readonly TtyInfoEntry[];
}

/** The same while it is being filled. */
export class FilesImageBuilder implements FilesImage {
  readonly files: FileEntry[] = [];
  readonly fdinfo = new Map<number, FdinfoEntry[]>();
  readonly tables = new Map<number, number>();
  readonly fs = new Map<number, FsEntry>();
  readonly pipeData: PipeContent[] = [];
  readonly fifoData: PipeContent[] = [];
  readonly packets: PayloadEntry<'sk-queues'>[] = [];
  readonly remaps: RemapFilePathEntry[] = [];
  readonly ghosts = new Map<number, GhostFile>();
  readonly memfds: MemfdInodeEntry[] = [];
  readonly locks: FileLockEntry[] = [];
  readonly ttys: TtyInfoEntry[] = [];
}
