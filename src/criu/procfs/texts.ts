// SPDX-License-Identifier: Apache-2.0
import { readBelow } from '../../native/index.js';
import { errnoError } from '../../native/sys.js';
import { decodeBytes } from '../../common/bytes.js';

/** What was read of several folders, and the place of each name among the others. */
interface Texts {
  readonly results: Int32Array;
  readonly text: Buffer;
  readonly places: ReadonlyMap<string, number>;
}

/** Numbers of a folder before those of its names. */
const HEAD = 2;

/**
 * Files and links of one folder of /proc, read by one call, since each separate one costs a lookup of the process.
 * A file that could not be read throws when it is requested, as in `reader.ts`: ShimError `notFound` if the task is
 * gone.
 */
export class ProcTexts<File extends string, Link extends string = never> {
  readonly #folder: string;
  readonly #texts: Texts;
  /** Where its own results begin. */
  readonly #row: number;

  private constructor(folder: string, texts: Texts, row: number) {
    this.#folder = folder;
    this.#texts = texts;
    this.#row = row;
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
    return ProcTexts.#of(folder, readTexts([folder], files, links), 0);
  }

  /** The same of many folders, by one call for all of them. */
  static readAll<File extends string, Link extends string = never>(
    folders: readonly string[],
    files: readonly File[],
    links: readonly Link[] = [],
  ): ProcTexts<File, Link>[] {
    const texts = readTexts(folders, files, links);
    return folders.map((folder, index) => ProcTexts.#of(folder, texts, index));
  }

  static #of<File extends string, Link extends string>(
    folder: string,
    texts: Texts,
    index: number,
  ): ProcTexts<File, Link> {
    const row = index * (HEAD + texts.places.size * 2);
    const error = texts.results[row] ?? 0;
    if (error !== 0) throw errnoError(`open /proc/${folder}/`, error);
    return new ProcTexts(folder, texts, row);
  }

  /** The whole of a file. */
  file(name: File): Buffer {
    return this.#at('read', name);
  }

  /** What a link refers to. */
  link(name: Link): string {
    return decodeBytes(this.#at('read link', name));
  }

  /** Whether a link says the same as that of another folder, or could not be read for the same reason. */
  hasSameLink(name: Link, other: ProcTexts<never, Link>): boolean {
    const [{ results, text }, theirs] = [this.#texts, other.#texts];
    const [place, their] = [this.#placeOf(name), other.#placeOf(name)];
    const [start, end] = [theirs.results[their - 1], theirs.results[their + 1]];
    return (
      results[place] === theirs.results[their] &&
      text.compare(theirs.text, start, end, results[place - 1], results[place + 1]) === 0
    );
  }

  #placeOf(name: File | Link): number {
    return this.#row + (this.#texts.places.get(name) ?? 0);
  }

  #at(verb: string, name: File | Link): Buffer {
    const { results, text } = this.#texts;
    const place = this.#placeOf(name);
    const error = results[place] ?? 0;
    if (error !== 0) throw errnoError(`${verb} /proc/${this.#folder}/${name}`, error);
    return text.subarray(results[place - 1], results[place + 1]);
  }
}

function readTexts(
  folders: readonly string[],
  files: readonly string[],
  links: readonly string[],
): Texts {
  const paths = folders.map((folder) => `/proc/${folder}`);
  const places = new Map([...files, ...links].map((name, index) => [name, HEAD + index * 2]));
  return { ...readBelow(paths, files, links), places };
}
