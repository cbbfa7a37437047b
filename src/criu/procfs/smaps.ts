// SPDX-License-Identifier: Apache-2.0
import { splitLines, words, type Line, type ProcText } from './line.js';
import { isVmaLine, parseVma, type Vma } from './maps.js';

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

const KEYED_LINE = /^([A-Za-z][A-Za-z0-9_]*):[ \t]*(.*)$/s;

/** Parses /proc/PID/smaps; the areas in order of address. */
export function parseSmaps(content: ProcText): readonly SmapsVma[] {
  const areas: { vma: Vma; fields: Map<string, FieldLine> }[] = [];
  for (const line of splitLines('smaps', content)) {
    if (isVmaLine(line)) {
      areas.push({ vma: parseVma(line), fields: new Map() });
      continue;
    }
    const [, key, value] = line.match(KEYED_LINE);
    const area = areas.at(-1) ?? line.fail();
    area.fields.set(line.present(key), { line, value: value ?? '' });
  }
  return areas.map(({ vma, fields }) => ({ ...vma, ...counters(fields) }));
}

interface FieldLine {
  readonly line: Line;
  readonly value: string;
}

function counters(fields: ReadonlyMap<string, FieldLine>): Omit<SmapsVma, keyof Vma> {
  const bytes = (key: string): number => {
    const field = fields.get(key);
    if (!field) return 0;
    const [, kib] = /^([0-9]+) kB$/.exec(field.value) ?? field.line.fail();
    return field.line.integer(kib) * 1024;
  };
  const key = fields.get('ProtectionKey');
  return {
    kernelPageSize: bytes('KernelPageSize'),
    rss: bytes('Rss'),
    pss: bytes('Pss'),
    anonymous: bytes('Anonymous'),
    anonHugePages: bytes('AnonHugePages'),
    shmemPmdMapped: bytes('ShmemPmdMapped'),
    swap: bytes('Swap'),
    locked: bytes('Locked'),
    protectionKey: key ? key.line.integer(key.value) : 0,
    vmFlags: new Set(words(fields.get('VmFlags')?.value ?? '')),
  };
}
