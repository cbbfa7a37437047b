// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { CheckpointImage } from './checkpoint-image.js';
import type { FdTypes, FileEntry } from './types.js';

/** Descriptors are below this: the kernel's default of fs.nr_open. */
export const MAX_FD = 1_048_576;

/** A field of `file_entry` that describes the files of one kind. */
export type BodyField = {
  [F in keyof FileEntry]-?: NonNullable<FileEntry[F]> extends { readonly id: number } ? F : never;
}[keyof FileEntry];

/** The message in such a field. */
export type BodyOf<F extends BodyField> = NonNullable<FileEntry[F]>;

/** A ring that is mapped whole. It begins anew at a restore, in the middle of what was mapped. */
export interface MappedRing {
  readonly size: bigint;
  /** Offset of what the new ring begins with. */
  readonly head: bigint;
}

/** What the validation of images knows about a kind of files. */
export interface EntryKind<F extends BodyField = BodyField> {
  readonly type: FdTypes;
  /** The only field of `file_entry` that an entry of this type has. */
  readonly body: F;
  /** Whether its files are sockets that may have unread data. */
  readonly hasQueue?: true;
  /** Whether its files can be mapped into memory; `anywhere`: only where the kernel chooses. */
  readonly isMappable?: true | 'anywhere';
  /** Checks a mapping of one of its files; `mapping` begins the messages. Pure. Throws ShimError `dataLoss`. */
  checkMapping?(
    how: { readonly offset: bigint; readonly isShared: boolean },
    mapping: () => string,
  ): void;
  /** The ring that is all that can be mapped of a file of this kind. */
  ringOf?(body: BodyOf<F>): MappedRing | undefined;
  /** Checks one file; `what` begins the messages. Pure. Throws ShimError `dataLoss`. */
  check?(body: BodyOf<F>, files: CheckedFiles, what: string): void;
  /** Checks all files of the kind, once each has passed, and the image parts that belong only to them. Pure. */
  checkAll?(bodies: readonly BodyOf<F>[], files: CheckedFiles): void;
}

/** The files of an image that is being validated. */
export class CheckedFiles {
  readonly image: CheckpointImage;
  readonly #byId: ReadonlyMap<number, FileEntry>;

  constructor(image: CheckpointImage, byId: ReadonlyMap<number, FileEntry>) {
    this.image = image;
    this.#byId = byId;
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  get(id: number): FileEntry | undefined {
    return this.#byId.get(id);
  }

  /** Throws unless there is a file with an id, of one of these types. */
  need(id: number, types: readonly FdTypes[], what: string): void {
    const type = this.#byId.get(id)?.type;
    if (type === undefined) badImage(`${what}: file ${String(id)} does not exist`);
    if (!types.includes(type)) {
      badImage(`${what}: file ${String(id)} is ${type}, not ${types.join(' or ')}`);
    }
  }
}

/** The body of a file, by its type. Throws ShimError `dataLoss` if it is missing. */
export function bodyOf<F extends BodyField>(file: FileEntry, field: F): BodyOf<F> {
  return file[field] ?? badImage(`file ${String(file.id)}: ${file.type} without its fields`);
}
