// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { asNsPid, type NsPid } from '../../../../src/common/ids.js';
import type { CoreEntry, MmEntry, VmaEntry } from '../../../../src/criu/image/types.js';
import {
  TRAIT,
  type MappedArea,
  type MemoryMap,
  type SharedObject,
} from '../../../../src/criu/memory/memory-map.js';
import { entriesOf } from '../../../../src/criu/image/vma-rows.js';
import { memoryOf } from '../../../../src/criu/memory/of-image.js';
import { EntryMaker } from '../../../../src/criu/memory/to-image.js';
import { area, mapOf, PAGE, pages } from './maps.js';

const FILE = { dev: { major: 8, minor: 1 }, inode: 5n, path: '/lib/x', deleted: false };
const PARK = 0x40000000n;

const OBJECT: SharedObject = {
  id: 99n,
  size: 4n * PAGE,
  reach: 6n * PAGE,
  isUnreserved: true,
  runs: pages([1, 2]),
  mapping: { pid: mapOf(1).pid, start: 40n * PAGE, end: 42n * PAGE },
  place: 0x80000000n,
};

/** Reads back what maps become in an image; files get the id 7. */
function throughImage(maps: readonly MemoryMap[], shared: readonly SharedObject[] = []) {
  const maker = new EntryMaker(shared);
  const mms = new Map<NsPid, MmEntry>();
  const cores = new Map<NsPid, CoreEntry>();
  for (const map of maps) {
    mms.set(map.pid, { vmas: maker.entriesOf(map, () => 7) } as Partial<MmEntry> as MmEntry);
    cores.set(map.pid, { tc: { comm: 'x' } } as Partial<CoreEntry> as CoreEntry);
  }
  return memoryOf({ mms, cores, segments: [] });
}

function valueOf({ pid, label, areas, guards }: MemoryMap): MemoryMap {
  return { pid, label, areas, guards };
}

/** The area that is read back for one. */
function back(one: MappedArea): MappedArea | undefined {
  return throughImage([mapOf(2, one)]).maps.get(asNsPid(2))?.areas[0];
}

test('what an image says of an area is what was said to it', (t) => {
  for (const one of [
    area(1, 4),
    area(1, 4, { prot: 5, advice: (1 << 10) | (1 << 18), name: 'heap of x', place: PARK }),
    area(1, 4, { traits: 1 }),
    area(1, 4, { traits: 2, flags: 0x122 }),
    area(1, 4, { holes: [], place: PARK, runs: pages([2, 3]) }),
    area(1, 9, { holes: pages([1, 2], [4, 7]) }),
    area(1, 9, { traits: TRAIT.read, place: PARK, runs: pages([1, 2], [4, 7]) }),
    area(1, 4, { kind: 'vdso' }),
    area(1, 4, { kind: 'vvar' }),
  ]) {
    t.deepEqual(back(one), one);
  }
});

test('of files an image has the ids, and pages that were written to', (t) => {
  const more = { kind: 'file-private', offset: PAGE, place: PARK, runs: pages([2, 3]) } as const;
  t.deepEqual(back(area(1, 4, { ...more, file: FILE })), area(1, 4, { ...more, object: 7n }));
});

test('of memory that is stored as it is, it has the place only, and nothing that only lives', (t) => {
  const stored = area(1, 4, { place: PARK, runs: pages([1, 3]), traits: 4 | 8 });
  t.deepEqual(back(stored), area(1, 4, { place: PARK }));
});

test('the vsyscall page is in no image; guards are', (t) => {
  const map = { ...mapOf(2, area(1, 4), area(8, 9, { kind: 'vsyscall' })), guards: pages([2, 3]) };
  const found = [...throughImage([map]).maps.values()].map(valueOf);
  t.deepEqual(found, [{ ...map, areas: [area(1, 4)] }]);
});

test('a shared object is told of once, whoever maps it', (t) => {
  const mapping = { kind: 'anonymous-shared', object: OBJECT.id, flags: 0x4021 } as const;
  const maps = [
    mapOf(1, area(40, 42, mapping)),
    mapOf(2, area(50, 54, { ...mapping, offset: 2n * PAGE })),
  ];
  const { maps: found, shared } = throughImage(maps, [OBJECT]);
  t.deepEqual([...found.values()].map(valueOf), maps);
  t.deepEqual(shared, [OBJECT]);
});

test('areas of PID 1 that a fork of the holder has as they are to be are finished', (t) => {
  const inPlace = (first: number, more: Partial<MappedArea> = {}) =>
    area(first, first + 1, { place: BigInt(first) * PAGE, ...more });
  const finished = [inPlace(1), inPlace(3, { prot: 5 }), inPlace(5, { traits: 1 })];
  const unfinished = [
    inPlace(11, { place: PARK }),
    inPlace(13, { place: undefined }),
    inPlace(15, { name: 'x' }),
    inPlace(17, { advice: 1 << 10 }),
    inPlace(19, { flags: 0x2022 }),
    inPlace(21, { holes: [] }),
    inPlace(23, { kind: 'file-private', object: 7n }),
    inPlace(25, { kind: 'vdso' }),
  ];
  const all = [...finished, ...unfinished];
  for (const [pid, rest] of [
    [1, unfinished],
    [2, all],
  ] as const) {
    const map = throughImage([mapOf(pid, ...all)]).maps.get(asNsPid(pid));
    t.deepEqual(map?.areas, all);
    t.deepEqual(map?.unfinished, rest);
  }
});

test('a mapping that is of no kind, or of two, is refused', (t) => {
  const [entry] = entriesOf(new EntryMaker([]).entriesOf(mapOf(2, area(1, 4)), () => 0));
  for (const status of [0, 1, (1 << 6) | (1 << 8), (1 << 3) | (1 << 12)]) {
    const vmas = [{ ...entry, status } as VmaEntry];
    const mms = new Map([[asNsPid(2), { vmas } as Partial<MmEntry> as MmEntry]]);
    const error = t.throws(() => memoryOf({ mms, cores: new Map(), segments: [] }), {
      instanceOf: ShimError,
    });
    t.is(error.kind, 'dataLoss');
    t.regex(error.message, /pid 2 \(\) memory 0x1000-0x4000 is of no known kind/);
  }
});
