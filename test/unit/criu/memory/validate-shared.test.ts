// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type { VmaEntry } from '../../../../src/criu/image/types.js';
import { validateMemory } from '../../../../src/criu/memory/validate.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { sampleImage, vma } from '../../../../src/criu/restore/rehearsal/sample-image.js';

/** Two pages that map shared object 7. */
function piece(start: bigint, more: Partial<VmaEntry>): VmaEntry {
  const area = vma(start, start + 0x2000n);
  return { ...area, status: VMA_STATUS.anonShared, shmid: 7n, mvas_park: 0x1000_0000n, ...more };
}

function imageOf(...vmas: VmaEntry[]): CheckpointImage {
  const image = sampleImage();
  const mms = new Map([...image.mms].map(([pid, mm]) => [pid, pid === 1 ? { ...mm, vmas } : mm]));
  return { ...image, mms };
}

const WHOLE = { mvas_size: 0x8000n, mvas_runs: [0n, 1n, 6n, 2n] };

test('content may lie where the mapping that tells of the object does not reach', (t) => {
  t.notThrows(() => {
    const image = imageOf(piece(0x1000n, WHOLE), piece(0x4000n, { pgoff: 0x4000n }));
    validateMemory(image, FILE_KINDS);
  });
});

for (const [what, message, first, second = {}] of [
  ['an object in two places', /elsewhere/, WHOLE, { mvas_park: 0x2000_0000n }],
  ['an object of two sizes', /second size/, WHOLE, { mvas_size: 0x8000n }],
  ['an object of an odd size', /impossible size/, { mvas_size: 1n }],
  ['an object of no size', /impossible size/, { mvas_size: 0n }],
  ['an object that is too large', /impossible size/, { mvas_size: 1n << 63n }],
  ['runs beyond the end of the object', /runs? of pages/, { ...WHOLE, mvas_size: 0x7000n }],
  ['an offset in the middle of a page', /bad offset/, { pgoff: 1n }],
  ['an offset beyond all memory', /bad offset/, { pgoff: 1n << 63n }],
  ['an object without room', /no room/, {}, { pgoff: 0x3fff_ffff_f000n }],
  ['private memory with the size of an object', /size of an object/, { ...WHOLE, status: 1 }],
] as const satisfies (readonly [string, RegExp, Partial<VmaEntry>, Partial<VmaEntry>?])[]) {
  test(`refuses ${what}`, (t) => {
    const image = imageOf(piece(0x1000n, first), piece(0x4000n, second));
    const error = t.throws(
      () => {
        validateMemory(image, FILE_KINDS);
      },
      { instanceOf: ShimError, message },
    );
    t.is(error.kind, 'dataLoss');
  });
}
