// SPDX-License-Identifier: Apache-2.0
import { Line, toText, words, type ProcText } from './line.js';
import { parseVma, type Vma } from './maps.js';

/** An area of /proc/PID/smaps. All counters are bytes; a counter the kernel does not write is 0. */
export interface SmapsVma extends Vma {
  /** 4096, or the huge page size of a hugetlbfs mapping. */
  readonly kernelPageSize: number;
  readonly rss: number;
  readonly pss: number;
  /** Resident pages that are anonymous: in a private file mapping, those it has written to. */
  readonly anonymous: number;
  /** Of these, what lies in transparent huge pages. */
  readonly anonHugePages: number;
  /** Shared memory in transparent huge pages. */
  readonly shmemPmdMapped: number;
  readonly swap: number;
  readonly locked: number;
  /** Memory protection key, 0 (the default key) where the CPU has none. */
  readonly protectionKey: number;
  /**
   * Two-letter VMA flags: `rd wr ex sh mr mw me ms gd pf lo io sr rr dc de ac nr ht sf ar wf dd sd mm
   * hg nh mg um uw ui ss sl dp`. Source: show_smap_vma_flags(). Empty before Linux 3.8.
   */
  readonly vmFlags: ReadonlySet<string>;
}

/** Fields that are read, by their names in the file. */
const COUNTERS = {
  KernelPageSize: 'kernelPageSize',
  Rss: 'rss',
  Pss: 'pss',
  Anonymous: 'anonymous',
  AnonHugePages: 'anonHugePages',
  ShmemPmdMapped: 'shmemPmdMapped',
  Swap: 'swap',
  Locked: 'locked',
} as const;

type Counter = (typeof COUNTERS)[keyof typeof COUNTERS];
type Fields = { -readonly [Key in keyof Omit<SmapsVma, keyof Vma>]: SmapsVma[Key] };

const COUNTER_OF: ReadonlyMap<string, Counter> = new Map(Object.entries(COUNTERS));
const NO_FLAGS: ReadonlySet<string> = new Set();
const KEY = /^[A-Za-z][A-Za-z0-9_]*$/;
const KIBIBYTES = /^[ \t]*([0-9]+) kB$/;

/** Parses /proc/PID/smaps; the areas in order of address. There may be very many lines. */
export function parseSmaps(content: ProcText): readonly SmapsVma[] {
  const text = toText(content);
  const areas: SmapsVma[] = [];
  const flagSets = new Map<string, ReadonlySet<string>>();
  let fields: Fields | undefined;
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const colon = text.indexOf(':', at);
    const key = colon < 0 || colon > end ? '' : text.slice(at, colon);
    if (KEY.test(key)) {
      readField(fields, flagSets, { key, text, at, colon, end });
    } else {
      fields = emptyFields();
      areas.push(Object.assign(fields, parseVma(new Line('smaps', text.slice(at, end)))));
    }
    at = end + 1;
  }
  return areas;
}

/** A line of the text, and where it and its value begin and end. */
interface KeyedLine {
  readonly key: string;
  readonly text: string;
  readonly at: number;
  readonly colon: number;
  readonly end: number;
}

function readField(
  fields: Fields | undefined,
  flagSets: Map<string, ReadonlySet<string>>,
  { key, text, at, colon, end }: KeyedLine,
): void {
  const line = () => new Line('smaps', text.slice(at, end));
  if (!fields) return line().fail();
  const counter = COUNTER_OF.get(key);
  if (counter) {
    const [, kib] = KIBIBYTES.exec(text.slice(colon + 1, end)) ?? line().fail();
    fields[counter] = line().integer(kib) * 1024;
  } else if (key === 'ProtectionKey') {
    fields.protectionKey = line().integer(text.slice(colon + 1, end).trim());
  } else if (key === 'VmFlags') {
    const value = text.slice(colon + 1, end);
    const known = flagSets.get(value) ?? new Set(words(value));
    flagSets.set(value, known);
    fields.vmFlags = known;
  }
}

function emptyFields(): Fields {
  return {
    kernelPageSize: 0,
    rss: 0,
    pss: 0,
    anonymous: 0,
    anonHugePages: 0,
    shmemPmdMapped: 0,
    swap: 0,
    locked: 0,
    protectionKey: 0,
    vmFlags: NO_FLAGS,
  };
}
