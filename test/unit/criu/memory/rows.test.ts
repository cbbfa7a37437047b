// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import { INIT } from '../../../../src/common/ids.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type { VmaEntry } from '../../../../src/criu/image/types.js';
import { partsOf, type VmaPart } from '../../../../src/criu/image/vma-rows.js';
import { validateMemory } from '../../../../src/criu/memory/validate.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';

const { regular, anonPrivate, filePrivate, anonShared, sysvIpc, guard, heap } = VMA_STATUS;

const image = sampleImage();
const [mm] = [image.mms.get(INIT)];

const usually = <T>(value: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, fc.constantFrom(value, ...others));

/** One of a list that is often right: they follow one another, now and then with a fault. */
const mapping = fc.record({
  gap: usually(0n, 0x1000n, 0x800n, -0x1000n),
  size: usually(0x1000n, 0x3000n, 0n, 0x800n, 1n << 47n),
  pgoff: usually(0n, 0x1000n, 0x10n),
  shmid: usually(0n, 1n, 2n, 99n),
  prot: usually(3, 1, 8),
  flags: usually(0x22, 0x2022),
  status: usually(
    regular | anonPrivate,
    regular | anonPrivate | heap,
    regular | filePrivate,
    regular | anonShared,
    regular | anonPrivate | sysvIpc,
    guard,
    0,
  ),
  madv: usually<bigint | undefined>(undefined, 1n << 10n),
  park: usually<bigint | undefined>(0n, undefined, 0x1000_0000n, 0x800n, 1n << 46n),
});

const list = fc.array(mapping, { minLength: 1, maxLength: 12 }).map((mappings) => {
  let at = 0x10_0000n;
  return mappings.map(({ gap, size, park, madv, ...fields }): VmaEntry => {
    const start = at + gap;
    at = start + size;
    const place = park === 0n ? start : park;
    return {
      ...{ ...fields, start, end: at, fd: -1n, mvas_runs: [] },
      ...(madv === undefined ? {} : { madv }),
      ...(place === undefined ? {} : { mvas_park: place }),
    };
  });
});

/** What becomes of a list: the memory that it describes, or what is wrong with it. */
function judged(vmas: VmaPart[]): unknown {
  if (!mm) throw new TypeError('the sample has a process');
  try {
    const mms = new Map(image.mms).set(INIT, { ...mm, vmas });
    const { maps, shared } = validateMemory({ ...image, mms }, FILE_KINDS);
    const { areas, unfinished, guards } = maps.get(INIT) ?? {};
    return { areas, unfinished, guards, shared };
  } catch (error) {
    return ShimError.from(error).message;
  }
}

test('rows are judged as their entries are', (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(list, (vmas) => {
      const found = judged(vmas);
      deepStrictEqual(judged(partsOf(vmas)), found);
      seen.add(typeof found === 'string' ? found.replaceAll(/[0-9a-f]+/g, '') : 'right');
    }),
    { numRuns: 3000 },
  );
  t.true(seen.has('right') && seen.size > 5, [...seen].join('; '));
});
