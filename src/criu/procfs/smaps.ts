// SPDX-License-Identifier: Apache-2.0
import { decodeBytes } from '../../common/bytes.js';
import { Line, words } from '../../common/procfs/line.js';
import { AREA, AREA_SIZE, PERMISSION, type AreaTable } from '../../native/area-table.js';
import type { DeviceNumber } from '../../common/procfs/mountinfo.js';
import { parseVmaName, type Vma, type VmaName } from './maps.js';

/** An area of /proc/PID/smaps. Counters are in bytes; a counter that the kernel does not write is 0. */
export interface SmapsVma extends Vma {
  readonly rss: number;
  /** How much of the resident anonymous pages is in transparent huge pages. */
  readonly anonHugePages: number;
  readonly swap: number;
  /** Memory protection key, 0 (the default key) if the CPU has none. */
  readonly protectionKey: number;
  /**
   * Two-letter VMA flags: `rd wr ex sh mr mw me ms gd pf lo io sr rr dc de ac nr ht sf ar wf dd sd mm
   * hg nh mg um uw ui ss sl dp`. Source: show_smap_vma_flags().
   */
  readonly vmFlags: ReadonlySet<string>;
}

/**
 * The areas of a table, in order of address. There may be very many, so they share equal parts.
 *
 * @throws ShimError `internal` for a line that no kernel writes
 */
export function decodeSmaps(table: AreaTable): SmapsVma[] {
  if (table.wrong) new Line('smaps', decodeBytes(table.wrong)).fail();
  const decoder = new AreaDecoder(table);
  const count = table.areas.byteLength / AREA_SIZE;
  return Array.from({ length: count }, (_, index) => decoder.area(index));
}

/** What the flags of an area say. */
export type Meaning = Pick<SmapsVma, 'vmFlags' | 'protectionKey'>;

/**
 * The areas of a table without details. They count as being in memory.
 *
 * @param meaningOf what is known of the flags of each; if nothing is known of any, the result is undefined
 */
export function decodeMaps(
  table: AreaTable,
  meaningOf: (index: number) => Meaning | undefined,
): SmapsVma[] | undefined {
  if (table.wrong) new Line('maps', decodeBytes(table.wrong)).fail();
  const decoder = new AreaDecoder(table);
  const areas: SmapsVma[] = [];
  for (let index = 0; index < table.areas.byteLength / AREA_SIZE; index++) {
    const meaning = meaningOf(index);
    if (!meaning) return undefined;
    areas.push(decoder.area(index, meaning));
  }
  return areas;
}

class AreaDecoder {
  readonly #longs: BigUint64Array;
  readonly #shorts: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #texts: readonly string[];
  readonly #names: VmaName[] = [];
  readonly #flagSets: ReadonlySet<string>[] = [];
  #device: DeviceNumber = { major: 0, minor: 0 };

  constructor({ areas, texts }: AreaTable) {
    this.#longs = new BigUint64Array(areas);
    this.#shorts = new Uint32Array(areas);
    this.#doubles = new Float64Array(areas);
    this.#texts = decodeBytes(texts).split('\n');
  }

  /** With a meaning, the table has no details of the area, which counts as being in memory. */
  area(index: number, meaning?: Meaning): SmapsVma {
    const at = (index * AREA_SIZE) / 8;
    const half = at * 2;
    const permissions = this.#short(half + AREA.permissions);
    const { path, deleted, special, anonName } = this.#name(this.#short(half + AREA.name));
    const start = this.#longs[at + AREA.start] ?? 0n;
    const end = this.#longs[at + AREA.end] ?? 0n;
    return {
      start,
      end,
      read: (permissions & PERMISSION.read) !== 0,
      write: (permissions & PERMISSION.write) !== 0,
      exec: (permissions & PERMISSION.exec) !== 0,
      shared: (permissions & PERMISSION.shared) !== 0,
      offset: this.#longs[at + AREA.offset] ?? 0n,
      dev: this.#dev(this.#short(half + AREA.major), this.#short(half + AREA.minor)),
      inode: this.#longs[at + AREA.inode] ?? 0n,
      path,
      deleted,
      special,
      anonName,
      rss: meaning ? Number(end - start) : (this.#doubles[at + AREA.rss] ?? 0),
      anonHugePages: this.#doubles[at + AREA.anonHugePages] ?? 0,
      swap: this.#doubles[at + AREA.swap] ?? 0,
      protectionKey: meaning ? meaning.protectionKey : this.#short(half + AREA.protectionKey),
      vmFlags: meaning ? meaning.vmFlags : this.#flags(this.#short(half + AREA.flags)),
    };
  }

  #short(at: number): number {
    return this.#shorts[at] ?? 0;
  }

  #name(text: number): VmaName {
    return (this.#names[text] ??= parseVmaName(this.#texts[text] ?? ''));
  }

  #flags(text: number): ReadonlySet<string> {
    return (this.#flagSets[text] ??= new Set(words(this.#texts[text] ?? '')));
  }

  /** Neighbours are mostly on the same device. */
  #dev(major: number, minor: number): DeviceNumber {
    const last = this.#device;
    if (last.major !== major || last.minor !== minor) this.#device = { major, minor };
    return this.#device;
  }
}
