// SPDX-License-Identifier: Apache-2.0
import { readBelow } from '../../native/index.js';
import { errnoError } from '../../native/sys.js';
import { decodeBytes } from '../../common/bytes.js';

/** The position of something in a text, or the `-errno` of reading it. */
type Place = { readonly start: number; readonly end: number } | { readonly error: number };

/**
 * Files and links of one folder of /proc, read by one call, since each separate one costs a lookup of the process.
 * A file that could not be read throws when it is requested, as in `reader.ts`: ShimError `notFound` if the task is
 * gone.
 */
export class ProcTexts<File extends string, Link extends string = never> {
  readonly #folder: string;
  readonly #text: Buffer;
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(folder: string, text: Uint8Array, places: ReadonlyMap<string, Place>) {
    this.#folder = folder;
    this.#text = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
    this.#places = places;
  }

  /**
   * Reads files and links.
   *
   * @param folder below /proc: `12/task/13`
   * @throws ShimError `notFound` if it does not exist
   */
  static read<File extends string, Link extends string = never>(
    folder: string,
    files: readonly File[],
    links: readonly Link[] = [],
  ): ProcTexts<File, Link> {
    const read = readBelow(`/proc/${folder}`, files, links);
    if (typeof read === 'number') throw errnoError(`open /proc/${folder}/`, read);
    const { results, text } = read;
    const places = new Map<string, Place>();
    [...files, ...links].forEach((name, index) => {
      const error = results[index * 2] ?? 0;
      const [start = 0, end = 0] = [results[index * 2 - 1], results[index * 2 + 1]];
      places.set(name, error < 0 ? { error } : { start, end });
    });
    return new ProcTexts(folder, text, places);
  }

  /** The whole of a file. */
  file(name: File): Buffer {
    return this.#at('read', name);
  }

  /** What a link refers to. */
  link(name: Link): string {
    return decodeBytes(this.#at('read link', name));
  }

  #at(verb: string, name: string): Buffer {
    const place = this.#places.get(name) ?? { error: 0 };
    if ('error' in place) throw errnoError(`${verb} /proc/${this.#folder}/${name}`, place.error);
    return this.#text.subarray(place.start, place.end);
  }
}
