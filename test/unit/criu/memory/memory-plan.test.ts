// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT, type NsPid } from '../../../../src/common/ids.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type { MmEntry, VmaEntry } from '../../../../src/criu/image/types.js';
import { MemoryPlan } from '../../../../src/criu/memory/memory-plan.js';
import { memoryOf } from '../../../../src/criu/memory/of-image.js';
import { arePaged } from '../../../../src/criu/memory/shared-contents.js';
import { OP_CODE } from '../../../../src/criu/plan/abi.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import type { Sequence } from '../../../../src/criu/plan/sequence.js';
import { Slot } from '../../../../src/criu/plan/values.js';
import { MADV_DOFORK, MADV_DONTFORK } from '../../../../src/native/abi/index.js';
import { SYS } from '../../../../src/native/sys.js';
import { asValid } from '../../../helpers/valid.js';

const FILE = 200;
const SHARED = 300;
const MEMORY = 400;
const PARK = 0x40000000n;

function area(start: bigint, status: number, more: Partial<VmaEntry> = {}): VmaEntry {
  const entry = { start, end: start + 0x3000n, pgoff: 0n, shmid: 1n, prot: 3, flags: 2, fd: -1n };
  return { ...entry, status, mvas_runs: [], ...more };
}

/** System calls, and copies as `copy`, that bring memory with these areas to its place in PID 1. */
function planned(execs: boolean, vmas: readonly VmaEntry[]) {
  const builder = new PlanBuilder();
  const mm = { vmas: [...vmas], mm_saved_auxv: [], exe_file_id: 1 } as Partial<MmEntry>;
  const words = ['start_code', 'end_code', 'start_data', 'end_data', 'start_brk', 'brk'];
  const more = ['start_stack', 'arg_start', 'arg_end', 'env_start', 'env_end'];
  const layout = Object.fromEntries([...words, ...more].map((name) => [`mm_${name}`, 0n]));
  const mms = new Map([[INIT, { ...layout, ...mm } as MmEntry]]);
  const plan = new MemoryPlan({
    builder,
    base: 0x20000000n,
    image: asValid({ memory: memoryOf({ mms, cores: new Map(), segments: [] }), mms }),
    kernelAreas: [],
    outside: new Set(),
    execs,
    hasKeys: true,
    staged: () => FILE,
    mapsAnywhere: () => false,
    stage: () => SHARED,
    stageMemory: () => MEMORY,
  });
  const sequence = builder.sequence('pid 1');
  plan.planShared(builder.sequence('root'));
  plan.planBeforeForks(INIT, [], sequence);
  plan.planAfterForks(INIT, sequence);
  plan.planPlace(INIT, sequence);
  return sequence.operations.map(({ nr, args }) => [nr === 0 ? 'copy' : nr, args[0], args[1]]);
}

const ANONYMOUS = area(0x10000n, VMA_STATUS.regular | VMA_STATUS.anonPrivate);
const CLEAN = area(0x20000n, VMA_STATUS.regular | VMA_STATUS.filePrivate);
const WRITTEN = area(0x30000n, VMA_STATUS.regular | VMA_STATUS.filePrivate, {
  mvas_park: PARK,
  mvas_runs: [1n, 2n],
});

test('in a duplicate, files alone have to be mapped, with the written pages taken along', (t) => {
  const operations = planned(true, [ANONYMOUS, CLEAN, WRITTEN]);
  t.deepEqual(operations.slice(0, -1), [
    [SYS.mmap, 0x20000n, 0x3000n],
    [SYS.mmap, PARK, 0x3000n],
    ['copy', PARK + 0x1000n, 0x31000n],
    [SYS.mremap, PARK, 0x3000n],
  ]);
  t.is(operations.at(-1)?.[0], SYS.prctl);
});

test('in a duplicate, shared memory is mapped by the descriptor that was staged', (t) => {
  const shared = area(0x40000n, VMA_STATUS.regular | VMA_STATUS.anonShared, { mvas_park: PARK });
  const [first, ...others] = planned(true, [shared]);
  t.deepEqual(first, [SYS.mmap, 0x40000n, 0x3000n]);
  t.deepEqual(
    others.map(([nr]) => nr),
    [SYS.prctl],
  );
});

test('pages that cannot be read are made readable first', (t) => {
  const operations = planned(true, [{ ...WRITTEN, prot: 0 }]);
  t.deepEqual(operations.slice(1, -1), [
    [SYS.mprotect, 0x30000n, 0x3000n],
    ['copy', PARK + 0x1000n, 0x31000n],
    [SYS.mremap, PARK, 0x3000n],
    [SYS.mprotect, 0x30000n, 0x3000n],
  ]);
});

test('in the fork of a holder, written pages come from the park', (t) => {
  const operations = planned(false, [ANONYMOUS, WRITTEN]);
  const placed = operations.filter(([nr]) => nr !== SYS.madvise);
  t.deepEqual(placed.slice(0, -1), [
    [SYS.mmap, 0x30000n, 0x3000n],
    ['copy', 0x31000n, PARK + 0x1000n],
    [SYS.munmap, PARK, 0x3000n],
  ]);
});

test('siblings that inherit the same need no calls between their forks', (t) => {
  const heir = area(0x10000n, VMA_STATUS.regular | VMA_STATUS.anonPrivate, {
    mvas_heritage: { holes: [] },
  });
  const other = { ...heir, start: 0x20000n, end: 0x23000n };
  const mm = (vma: VmaEntry) => ({ vmas: [vma] }) as Partial<MmEntry> as MmEntry;
  const [first, second, third] = [2, 3, 4].map(asNsPid) as [NsPid, NsPid, NsPid];
  const mms = new Map([
    [first, mm(heir)],
    [second, mm(heir)],
    [third, mm(other)],
  ]);
  const builder = new PlanBuilder();
  const plan = new MemoryPlan({
    builder,
    base: 0x20000000n,
    image: asValid({ memory: memoryOf({ mms, cores: new Map(), segments: [] }), mms }),
    kernelAreas: [],
    outside: new Set(),
    execs: false,
    hasKeys: true,
    staged: () => FILE,
    mapsAnywhere: () => false,
    stage: () => SHARED,
    stageMemory: () => MEMORY,
  });
  const bequest = (heirs: readonly NsPid[], before: readonly NsPid[]) => {
    const sequence = builder.sequence('pid 1');
    plan.planBequest(heirs, before, sequence);
    return sequence.operations.map(({ args }) => [args[0], args[2]]);
  };
  t.deepEqual(bequest([first], []), [[0x10000n, MADV_DOFORK]]);
  t.deepEqual(bequest([second], [first]), []);
  t.deepEqual(bequest([third], [second]), [
    [0x10000n, MADV_DONTFORK],
    [0x20000n, MADV_DOFORK],
  ]);
  t.deepEqual(bequest([], [third]), [[0x20000n, MADV_DONTFORK]]);
});

test('the root keeps what other processes read, and drops it when all have done so', (t) => {
  const read = area(0x10000n, VMA_STATUS.regular | VMA_STATUS.anonPrivate, {
    mvas_park: PARK,
    mvas_runs: [1n, 2n],
  });
  const child = asNsPid(2);
  const mm = (...vmas: VmaEntry[]) => ({ vmas }) as Partial<MmEntry> as MmEntry;
  const written = { ...WRITTEN, mvas_park: PARK + 0x3000n };
  const mms = new Map([
    [INIT, mm(ANONYMOUS)],
    [child, mm(read, written)],
  ]);
  const builder = new PlanBuilder();
  const plan = new MemoryPlan({
    builder,
    base: 0x20000000n,
    image: asValid({ memory: memoryOf({ mms, cores: new Map(), segments: [] }), mms }),
    kernelAreas: [],
    outside: new Set(),
    execs: false,
    hasKeys: true,
    staged: () => FILE,
    mapsAnywhere: () => false,
    stage: () => SHARED,
    stageMemory: () => MEMORY,
  });
  const steps = (use: (sequence: Sequence) => void) => {
    const sequence = builder.sequence('');
    use(sequence);
    return sequence.operations.map(({ code, nr, args }) => [code, nr, ...args.slice(0, 3)]);
  };
  const both = [PARK, 0x6000n];
  t.deepEqual(
    steps((root) => plan.planShared(root)),
    [[OP_CODE.syscall, SYS.madvise, ...both, MADV_DONTFORK]],
  );
  t.deepEqual(plan.branch(child, []), [], 'no fork takes it along');
  t.deepEqual(
    steps((sequence) => plan.planForkable(child, sequence)),
    [
      [OP_CODE.syscall, SYS.mmap, 0x10000n, 0x3000n, 3],
      [OP_CODE.pread, 0, MEMORY, 0x11000n, PARK + 0x1000n],
    ],
  );
  t.deepEqual(
    steps((root) => plan.planRead(root)),
    [[OP_CODE.syscall, SYS.munmap, ...both]],
  );
});

/** Operations in the root that make and fill shared memory with these pages (first page, number). */
function filled(runs: bigint[], mapFiles: Slot) {
  const builder = new PlanBuilder();
  const end = 0x140000n;
  const vma = area(0x40000n, VMA_STATUS.regular | VMA_STATUS.anonShared, {
    ...{ end, mvas_park: PARK, mvas_runs: runs },
  });
  const mms = new Map([[INIT, { vmas: [vma] } as Partial<MmEntry> as MmEntry]]);
  const memory = memoryOf({ mms, cores: new Map(), segments: [] });
  const plan = new MemoryPlan({
    builder,
    base: 0x20000000n,
    image: asValid({ memory, mms }),
    kernelAreas: [],
    outside: new Set(),
    execs: false,
    hasKeys: true,
    staged: () => FILE,
    mapsAnywhere: () => false,
    stage: () => SHARED,
    mapFiles,
    stageMemory: () => MEMORY,
  });
  const root = builder.sequence('root');
  plan.planShared(root);
  const steps = root.operations.map(({ code, nr }) => [code, nr]);
  return { isPaged: arePaged(memory.shared), steps };
}

const MADE = [OP_CODE.syscall, SYS.mmap];
const DROPPED = [OP_CODE.syscall, SYS.munmap];

test('much shared memory is filled through its file', (t) => {
  const { isPaged, steps } = filled([0n, 16n, 32n, 16n], new Slot(0));
  t.true(isPaged);
  t.deepEqual(steps, [
    MADE,
    [OP_CODE.syscall, SYS.openat],
    [OP_CODE.fill, 0],
    [OP_CODE.fill, 0],
    [OP_CODE.syscall, SYS.close],
    DROPPED,
  ]);
});

test('little shared memory is copied', (t) => {
  const { isPaged, steps } = filled([0n, 15n], new Slot(0));
  t.false(isPaged);
  t.deepEqual(steps, [MADE, [OP_CODE.copy, 0], DROPPED]);
});
