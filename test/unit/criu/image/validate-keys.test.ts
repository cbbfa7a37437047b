// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { INIT } from '../../../../src/common/ids.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type { MvasProtectionKeys, VmaEntry } from '../../../../src/criu/image/types.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import { partsOf } from '../../../../src/criu/image/vma-rows.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import { sampleImage, vma } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { refuses, type Change } from './refuses.js';

const CODE = { ...vma(0x1000n, 0x3000n), prot: 4, mvas_pkey: 2 };

function withKeys(keys: MvasProtectionKeys | undefined, entry: VmaEntry = CODE): Change {
  return ({ mms }) => {
    const mm = mms.get(INIT);
    if (!mm) throw new TypeError('the sample has a process');
    return { mms: new Map(mms).set(INIT, { ...mm, vmas: partsOf([entry]), mvas_pkeys: keys }) };
  };
}

for (const [what, keys, entry] of [
  ['allocated', { allocated: 0xffff }, CODE],
  ['freed', { allocated: 0 }, CODE],
  ["the kernel's own", { allocated: 1, execute_only: 2 }, CODE],
  ['of no memory', { allocated: 7 }, { ...CODE, mvas_pkey: undefined }],
] as const) {
  test(`accepts a protection key: ${what}`, (t) => {
    const image = sampleImage();
    t.notThrows(() => validateImage({ ...image, ...withKeys(keys, entry)(image) }, IMAGE_RULES));
  });
}
for (const key of [0, 16, 0xffff_ffff]) {
  const entry = { ...CODE, mvas_pkey: key };
  refuses(`protection key ${String(key)}`, /has protection key/, withKeys({ allocated: 1 }, entry));
}
refuses('a protection key of a process that has none', /the process has none/, withKeys(undefined));
refuses(
  'a guard with a protection key',
  /cannot have one/,
  withKeys({ allocated: 7 }, { ...CODE, status: VMA_STATUS.guard, prot: 0 }),
);
refuses(
  'protection key 16 as allocated',
  /more .* than there are/,
  withKeys({ allocated: 0x10000 }),
);
for (const execute_only of [0, 16, 33, 1]) {
  const keys = { allocated: 3, execute_only };
  refuses(`key ${String(execute_only)} of the kernel's`, /kernel cannot have/, withKeys(keys));
}
refuses(
  "the kernel's key on no memory",
  /no memory has/,
  withKeys({ allocated: 1, execute_only: 3 }),
);
refuses(
  "the kernel's key on memory that may be read",
  /no memory has/,
  withKeys({ allocated: 1, execute_only: 2 }, { ...CODE, prot: 5 }),
);
