// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import type { MvasProtectionKeys } from '../../../../src/criu/image/types.js';
import { planKeys } from '../../../../src/criu/memory/keys-plan.js';
import type { MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { hasKey, keysOf } from '../../../../src/criu/memory/protection-keys.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { SYS } from '../../../../src/native/sys.js';
import { area, mapOf } from './maps.js';

const [READ, WRITE, EXEC] = [1, 2, 4];
const KEYS = 16;

interface Areas {
  readonly prot: number;
  readonly key: number;
}

/** What the kernel keeps of a process's keys (arch/x86/mm/pkeys.c). */
class Kernel {
  allocated = 1;
  own: number | undefined;
  readonly areas = new Map<bigint, Areas>();

  alloc(): number {
    const key = Array.from({ length: KEYS }, (_, index) => index).find(
      (one) => !this.#isTaken(one),
    );
    if (key === undefined) return -28;
    this.allocated |= 1 << key;
    return key;
  }

  free(key: number): number {
    if (!hasKey(this.allocated, key)) return -22;
    this.allocated &= ~(1 << key);
    return 0;
  }

  protect(start: bigint, prot: number, key?: number): number {
    if (key !== undefined && !hasKey(this.allocated, key)) return -22;
    this.areas.set(start, { prot, key: key ?? this.#keyFor(start, prot) });
    return 0;
  }

  #isTaken(key: number): boolean {
    return hasKey(this.allocated, key) || this.own === key;
  }

  #keyFor(start: bigint, prot: number): number {
    if (prot !== EXEC) return this.areas.get(start)?.key ?? 0;
    if (this.own === undefined) {
      const key = this.alloc();
      if (key < 0) return 0;
      this.free(key);
      this.own = key;
    }
    // With key 0 as its own, the kernel does without.
    return this.own === 0 ? (this.areas.get(start)?.key ?? 0) : this.own;
  }
}

/** Runs what is planned in a new process. */
function restore(areas: readonly MappedArea[], keys: MvasProtectionKeys | undefined): Kernel {
  const sequence = new PlanBuilder().sequence('pid 1');
  planKeys(mapOf(1, ...areas), { keys, hasKeys: true }, sequence);
  const kernel = new Kernel();
  for (const { nr, args, options } of sequence.operations) {
    const [first, , prot, key] = args;
    const result =
      nr === SYS.pkey_alloc
        ? kernel.alloc()
        : nr === SYS.pkey_free
          ? kernel.free(Number(first))
          : kernel.protect(first as bigint, Number(prot), key as number | undefined);
    if (result !== (options.expect ?? 0)) throw new Error(`call ${String(nr)}: ${String(result)}`);
  }
  return kernel;
}

function areasOf(wanted: readonly Areas[]): MappedArea[] {
  return wanted.map((one, index) => area(2 * index, 2 * index + 1, one));
}

/** Mostly one of those that come first. */
const KEY = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.nat(KEYS - 1));

/** A process that has allocated and freed keys, protected memory, and had the kernel give it keys. */
const LIFE = fc.array(
  fc.oneof(
    fc.constant({ does: 'alloc' } as const),
    fc.record({ does: fc.constant('free' as const), key: KEY }),
    fc.record({
      does: fc.constant('protect' as const),
      at: fc.nat(5),
      prot: fc.constantFrom(0, READ, READ | WRITE, EXEC, READ | EXEC),
      key: fc.option(KEY, { nil: undefined }),
    }),
  ),
  { maxLength: 30 },
);

test('keys are as the kernel had them, or the process is refused', (t) => {
  const seen = new Map<string, number>();
  const property = fc.property(LIFE, (life) => {
    const kernel = new Kernel();
    for (const step of life) {
      if (step.does === 'alloc') kernel.alloc();
      else if (step.does === 'free') kernel.free(step.key);
      else kernel.protect(BigInt(step.at) * 0x2000n, step.prot, step.key);
    }
    const areas = [...kernel.areas].map(([start, one]) =>
      area(Number(start >> 12n), Number(start >> 12n) + 1, one),
    );
    const note = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
    let keys: MvasProtectionKeys | undefined;
    try {
      keys = keysOf(mapOf(1, ...areas), kernel.allocated);
    } catch (error) {
      if (!(error instanceof ShimError) || error.kind !== 'failedPrecondition') throw error;
      note('refused');
      return;
    }
    const restored = restore(areas, keys);
    t.is(restored.allocated, kernel.allocated);
    for (const { start, prot, key } of areas) {
      t.deepEqual(restored.areas.get(start) ?? { prot, key: 0 }, { prot, key });
    }
    // Without memory, nothing shows the kernel's own key.
    const isSeen =
      kernel.own !== 0 && areas.some(({ prot, key }) => prot === EXEC && key === kernel.own);
    if (!isSeen) return;
    t.is(restored.own, kernel.own);
    note('own');
  });
  fc.assert(property, { seed: 1609, numRuns: 5000 });
  t.deepEqual([...seen.keys()].sort(), ['own', 'refused']);
});

test('a process without keys needs nothing', (t) => {
  const areas = areasOf([
    { prot: READ | WRITE, key: 0 },
    { prot: 0, key: 0 },
  ]);
  t.is(keysOf(mapOf(1, ...areas)), undefined);
  const sequence = new PlanBuilder().sequence('pid 1');
  planKeys(mapOf(1, ...areas), { keys: undefined, hasKeys: true }, sequence);
  t.is(sequence.operations.length, 0);
});

test('memory with a key that has been freed while no other is allocated', (t) => {
  const areas = areasOf([{ prot: READ, key: 3 }]);
  const kernel = restore(areas, keysOf(mapOf(1, ...areas)));
  t.is(kernel.allocated, 1);
  t.is(kernel.areas.get(0n)?.key, 3);
});

test('a host without keys restores what needs none, and names what does', (t) => {
  const sequence = new PlanBuilder().sequence('pid 1');
  const plain = areasOf([{ prot: EXEC, key: 0 }]);
  planKeys(mapOf(1, ...plain), { keys: undefined, hasKeys: false }, sequence);
  t.deepEqual(
    sequence.operations.map(({ nr, args }) => [nr, args[2]]),
    [[SYS.mprotect, EXEC]],
  );
  const keyed = mapOf(1, ...areasOf([{ prot: READ, key: 1 }]));
  const plan = (): void => {
    planKeys(keyed, { keys: keysOf(keyed, 3), hasKeys: false }, sequence);
  };
  const error = t.throws(plan, { instanceOf: ShimError, message: /pid 1 \(x\): .*; remedy: / });
  t.is(error.kind, 'failedPrecondition');
});
