// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type { MmEntry, VmaEntry } from '../../../../src/criu/image/types.js';
import { checkHeritage, heritageOf, planHeritage } from '../../../../src/criu/memory/heritage.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { SYS } from '../../../../src/native/sys.js';

const ANONYMOUS = VMA_STATUS.regular | VMA_STATUS.anonPrivate;

function vma(start: bigint, end: bigint, more: Partial<VmaEntry> = {}): VmaEntry {
  const entry = { start, end, pgoff: 0n, shmid: 0n, prot: 3, flags: 0x22, fd: -1n };
  return { ...entry, status: ANONYMOUS, mvas_runs: [], ...more };
}

function inherited(start: bigint, end: bigint, holes: bigint[] = []): VmaEntry {
  return vma(start, end, { mvas_heritage: { holes } });
}

function memory(...vmas: VmaEntry[]): MmEntry {
  return { vmas } as Partial<MmEntry> as MmEntry;
}

test('ranges that meet are inherited as one', (t) => {
  const all = memory(
    inherited(0x1000n, 0x2000n),
    inherited(0x2000n, 0x4000n),
    vma(0x4000n, 0x5000n),
    inherited(0x5000n, 0x6000n),
  );
  t.deepEqual(heritageOf(all), [
    { start: 0x1000n, end: 0x4000n },
    { start: 0x5000n, end: 0x6000n },
  ]);
});

test('what a process has not is dropped, and what differs is laid over the rest', (t) => {
  const sequence = new PlanBuilder().sequence('pid 2');
  const area = { ...inherited(0x10000n, 0x20000n, [3n, 2n]), mvas_park: 0x900000n };
  planHeritage({ ...area, mvas_runs: [1n, 1n] }, sequence);
  t.deepEqual(
    sequence.operations.map(({ nr, args }) => [nr, ...args]),
    [
      [SYS.madvise, 0x13000n, 0x2000n, 4],
      [0, 0x11000n, 0x901000n, 0x1000n],
      [SYS.munmap, 0x900000n, 0x10000n],
    ],
  );
});

const FORKERS = new Map([[2, 1]]);

test('part of a mapping of the forker can be inherited', (t) => {
  const heir = memory(inherited(0x2000n, 0x3000n), inherited(0x4000n, 0x5000n));
  const forker = memory(vma(0x1000n, 0x3000n), vma(0x4000n, 0x5000n));
  t.notThrows(() => {
    checkHeritage(new Map([[1, forker], [2, heir]]), FORKERS); // prettier-ignore
  });
});

for (const [what, base] of [
  ['nothing', []],
  ['less', [vma(0x2000n, 0x3000n)]],
  ['another protection', [vma(0x1000n, 0x4000n, { prot: 1 })]],
  ['a file', [vma(0x1000n, 0x4000n, { status: VMA_STATUS.filePrivate })]],
] as const) {
  test(`an heir of a forker that has ${what} there is refused`, (t) => {
    const mms = new Map([[1, memory(...base)], [2, memory(inherited(0x2000n, 0x4000n))]]); // prettier-ignore
    const error = t.throws(() => {
      checkHeritage(mms, FORKERS);
    });
    t.regex(error.message, /its forker has none like it/);
  });
}

test('PID 1 inherits nothing', (t) => {
  t.throws(() => {
    checkHeritage(new Map([[1, memory(inherited(0x2000n, 0x4000n))]]), FORKERS);
  });
});
