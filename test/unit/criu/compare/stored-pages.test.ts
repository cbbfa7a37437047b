// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT, type NsPid } from '../../../../src/common/ids.js';
import { storedPages, type StoredMemory } from '../../../../src/criu/compare/stored-pages.js';
import type { MappedArea, SharedObject } from '../../../../src/criu/memory/memory-map.js';
import type { ImageMap } from '../../../../src/criu/memory/of-image.js';
import { area, PAGE, pages } from '../memory/maps.js';

const CHILD = asNsPid(2);

/** What is stored of a process: first page, end, and page in the holder of each run. */
function stored(
  pid: NsPid,
  processes: ReadonlyMap<NsPid, readonly MappedArea[]>,
  shared: readonly SharedObject[] = [],
): bigint[][] {
  const maps = new Map(
    [...processes].map(([one, areas]) => [one, { areas } as unknown as ImageMap] as const),
  );
  const of: StoredMemory = {
    memory: { maps, shared },
    forkers: new Map([[CHILD, INIT]]),
    present: ({ start, end }) => [{ start: start + PAGE, length: end - start - PAGE }],
  };
  return storedPages(of, pid).map(({ start, length, place }) => {
    return [start, start + length, place].map((address) => address / PAGE);
  });
}

test('memory in place has the pages that the holder has', (t) => {
  const areas = [area(16, 20, { place: 100n * PAGE }), area(30, 32)];
  t.deepEqual(stored(INIT, new Map([[INIT, areas]])), [[17n, 20n, 101n]]);
});

test('an heir has the pages of its forker, but for its own and for holes', (t) => {
  const forker = [area(16, 32, { place: 100n * PAGE })];
  const more = { holes: pages([20, 22]), runs: pages([24, 25]), place: 200n * PAGE };
  t.deepEqual(
    stored(
      CHILD,
      new Map([
        [INIT, forker],
        [CHILD, [area(16, 28, more)]],
      ]),
    ),
    [
      [17n, 20n, 101n],
      [22n, 24n, 106n],
      [24n, 25n, 208n],
      [25n, 28n, 109n],
    ],
  );
});

test('written pages of a mapped file lie at its place, those of shared memory at that of the object', (t) => {
  const file = area(16, 20, { kind: 'file-private', runs: pages([17, 18]), place: 50n * PAGE });
  const mapped = area(30, 34, { kind: 'anonymous-shared', object: 7n, offset: 2n * PAGE });
  const size = 8n * PAGE;
  const object: SharedObject = {
    ...{ id: 7n, size, reach: size, isUnreserved: false, mapping: undefined },
    ...{ runs: pages([1, 4]), place: 300n * PAGE },
  };
  t.deepEqual(stored(INIT, new Map([[INIT, [file, mapped]]]), [object]), [
    [17n, 18n, 51n],
    [30n, 32n, 302n],
  ]);
});
