// SPDX-License-Identifier: Apache-2.0
import { Line, toText, words, type ProcText } from '../../common/procfs/line.js';
import { parseVma, type Vma } from './maps.js';

/** An area of /proc/PID/smaps. Counters are bytes; a counter the kernel does not write is 0. */
export interface SmapsVma extends Vma {
  readonly rss: number;
  /** Of the resident pages that are anonymous, what lies in transparent huge pages. */
  readonly anonHugePages: number;
  readonly swap: number;
  /** Memory protection key, 0 (the default key) where the CPU has none. */
  readonly protectionKey: number;
  /**
   * Two-letter VMA flags: `rd wr ex sh mr mw me ms gd pf lo io sr rr dc de ac nr ht sf ar wf dd sd mm
   * hg nh mg um uw ui ss sl dp`. Source: show_smap_vma_flags().
   */
  readonly vmFlags: ReadonlySet<string>;
}

const KIBIBYTES = /^[ \t]*([0-9]{1,12}) kB$/;
const KEY = '\nProtectionKey:';
/** What begins the last line of each area. */
const FLAGS = '\nVmFlags:';

/**
 * Parses /proc/PID/smaps; the areas in order of address. There may be very many, of some twenty lines each: so the
 * lines that matter are searched for, not all of them read.
 */
export function parseSmaps(content: ProcText): readonly SmapsVma[] {
  const text = toText(content);
  const areas: SmapsVma[] = [];
  const flagSets = new FlagSets();
  for (let at = 0; at < text.length;) {
    const lines = text.slice(at, endOfArea(text, at));
    areas.push(parseArea(lines, flagSets));
    at += lines.length + 1;
  }
  return areas;
}

/** Where the last area ends that a part of the file has as a whole; the part begins with one. */
export function endOfAreas(part: Uint8Array): number {
  const text = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  const flags = text.lastIndexOf(FLAGS, text.lastIndexOf('\n') - 1);
  return flags < 0 ? 0 : text.indexOf('\n', flags + 1) + 1;
}

/** Where the last line of an area ends. */
function endOfArea(text: string, at: number): number {
  const flags = text.indexOf(FLAGS, at);
  const end = flags < 0 ? -1 : text.indexOf('\n', flags + 1);
  return end < 0 ? text.length : end;
}

function parseArea(lines: string, flagSets: FlagSets): SmapsVma {
  const newline = lines.indexOf('\n');
  const header = new Line('smaps', newline < 0 ? lines : lines.slice(0, newline));
  const key = valueOf(lines, KEY);
  return Object.assign(parseVma(header), {
    rss: counter(lines, '\nRss:'),
    anonHugePages: counter(lines, '\nAnonHugePages:'),
    swap: counter(lines, '\nSwap:'),
    protectionKey: key === undefined ? 0 : header.integer(key.trim()),
    vmFlags: flagSets.of(valueOf(lines, FLAGS) ?? header.fail()),
  });
}

function counter(lines: string, key: string): number {
  const value = valueOf(lines, key);
  if (value === undefined) return 0;
  const [, kib] = KIBIBYTES.exec(value) ?? new Line('smaps', `${key.slice(1)}${value}`).fail();
  return Number(kib) * 1024;
}

/** What stands behind a key, to the end of its line. */
function valueOf(lines: string, key: string): string | undefined {
  const at = lines.indexOf(key);
  if (at < 0) return undefined;
  const newline = lines.indexOf('\n', at + key.length);
  return lines.slice(at + key.length, newline < 0 ? lines.length : newline);
}

/** Areas have few different sets of flags. */
class FlagSets {
  readonly #known = new Map<string, ReadonlySet<string>>();

  of(text: string): ReadonlySet<string> {
    const known = this.#known.get(text) ?? new Set(words(text));
    this.#known.set(text, known);
    return known;
  }
}
