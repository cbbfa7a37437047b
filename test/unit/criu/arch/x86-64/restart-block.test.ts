// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { decodeRegisters } from '../../../../../src/criu/arch/x86-64/registers.js';
import {
  findRestartedCall,
  type ReadMemory,
} from '../../../../../src/criu/arch/x86-64/restart-block.js';
import { words } from '../../../../../src/native/structures.js';
import { sampleRegisters } from '../../resources/samples.js';

const [POLL, NANOSLEEP, FUTEX, CLOCK_NANOSLEEP] = [7, 35, 202, 230] as const;
/** A pollfd that waits for POLLIN on descriptor 3. */
const POLLIN_3 = (1n << 32n) | 3n;
/** What the memory of the thread holds, by address: words of 64 bits. */
const MEMORY = {
  time: [0x10_0000n, [2n, 0n]],
  rest: [0x10_1000n, [0n, 500n]],
  zero: [0x10_2000n, [0n, 0n]],
  noTime: [0x10_3000n, [2n, 1_000_000_000n]],
  negative: [0x10_4000n, [-2n, 0n]],
  long: [0x10_5000n, [2n ** 31n, 0n]],
  word: [0x10_6000n, [7n | (1n << 63n), ...Array<bigint>(255).fill(0n)]],
  set: [0x10_7000n, [POLLIN_3, 0xffff_ffffn]],
  answered: [0x10_8000n, [POLLIN_3, POLLIN_3 | (1n << 48n)]],
  wordOfTime: [0x10_9000n, [2n, 2n]],
  /** At the id of a CPU clock of 32 bits. */
  timeByClock: [0xffff_fff8n, [2n, 0n]],
  wordOfSet: [0x10_a000n, Array<bigint>(128).fill(POLLIN_3)],
} as const satisfies Readonly<Record<string, readonly [bigint, readonly bigint[]]>>;
const at = Object.fromEntries(
  Object.entries(MEMORY).map(([name, [address]]) => [name, address]),
) as Readonly<Record<keyof typeof MEMORY, bigint>>;
const GONE = 0x66_6000n;
const CODE_END = 0x8000n;

const read: ReadMemory = (address, length) => {
  for (const [start, content] of Object.values(MEMORY)) {
    const bytes = words(...content);
    const from = Number(address - start);
    if (from >= 0 && from + length <= bytes.length) return bytes.subarray(from, from + length);
  }
  return undefined;
};

interface Arguments {
  readonly di?: bigint;
  readonly si?: bigint;
  readonly dx?: bigint;
  readonly r10?: bigint;
  readonly r9?: bigint;
}

/** The call that these arguments indicate; those not given fit no call. */
function find(given: Arguments, memory: ReadMemory = read): number | undefined {
  const useless = { di: GONE, si: GONE, dx: GONE, r10: GONE, r9: 0n };
  const registers = { ...decodeRegisters(sampleRegisters()), ...useless, ...given };
  return findRestartedCall(registers, CODE_END, memory);
}

const TABLE: readonly (readonly [string, number | undefined, Arguments])[] = [
  ['nanosleep', NANOSLEEP, { di: at.time, si: 0n }],
  ['nanosleep with a rest', NANOSLEEP, { di: at.time, si: at.rest }],
  ['nanosleep that overwrites its time', NANOSLEEP, { di: at.time, si: at.time }],
  ['no time', undefined, { di: at.noTime, si: 0n }],
  ['a negative time', undefined, { di: at.negative, si: 0n }],
  ['no time at all', undefined, { di: at.zero, si: 0n }],
  ['a time that may be something else', undefined, { di: at.long, si: 0n }],
  ['a rest that was not stored', undefined, { di: at.time, si: at.noTime }],
  ['a rest that cannot be read', undefined, { di: at.time, si: GONE }],

  ['clock_nanosleep', CLOCK_NANOSLEEP, { di: 0n, si: 0n, dx: at.time, r10: 0n }],
  ['by another clock', CLOCK_NANOSLEEP, { di: 7n, si: 0n, dx: at.long, r10: at.rest }],
  [
    'by a CPU clock',
    CLOCK_NANOSLEEP,
    { di: BigInt.asUintN(64, -6n), si: 0n, dx: at.time, r10: 0n },
  ],
  [
    'by a CPU clock of 32 bits',
    CLOCK_NANOSLEEP,
    { di: 0xffff_fffan, si: 0n, dx: at.time, r10: 0n },
  ],
  [
    'by the clock of a descriptor',
    undefined,
    { di: BigInt.asUintN(64, -5n), si: 0n, dx: at.time, r10: 0n },
  ],
  ['by no clock', undefined, { di: 12n, si: 0n, dx: at.time, r10: 0n }],
  ['by what is no int', undefined, { di: 1n << 32n, si: 0n, dx: at.time, r10: 0n }],
  ['until a time', undefined, { di: 1n, si: 1n, dx: at.time, r10: 0n }],
  ['with no rest', undefined, { di: 1n, si: 0n, dx: at.time, r10: at.zero }],

  ['FUTEX_WAIT', FUTEX, { di: at.word, si: 0n, dx: 7n, r10: at.time }],
  ['FUTEX_WAIT of 32 bits', FUTEX, { di: at.word, si: 0n, dx: (1n << 32n) | 7n, r10: at.time }],
  ['FUTEX_WAIT_PRIVATE', FUTEX, { di: at.word, si: 128n, dx: 7n, r10: at.time }],
  ['FUTEX_WAIT_BITSET', FUTEX, { di: at.word, si: 9n, dx: 7n, r10: at.time, r9: 0xffff_ffffn }],
  ['with FUTEX_CLOCK_REALTIME', FUTEX, { di: at.word, si: 393n, dx: 7n, r10: at.time, r9: 1n }],
  ['of no bits', undefined, { di: at.word, si: 9n, dx: 7n, r10: at.time, r9: 1n << 32n }],
  ['FUTEX_LOCK_PI', undefined, { di: at.word, si: 6n, dx: 7n, r10: at.time }],
  ['unknown flags', undefined, { di: at.word, si: 512n, dx: 7n, r10: at.time }],
  ['another value', undefined, { di: at.word, si: 0n, dx: 8n, r10: at.time }],
  ['no timeout', undefined, { di: at.word, si: 0n, dx: 7n, r10: 0n }],
  ['a word that is not aligned', undefined, { di: at.word + 2n, si: 0n, dx: 0n, r10: at.time }],
  ['no word', undefined, { di: GONE, si: 0n, dx: 7n, r10: at.time }],

  ['poll', POLL, { di: at.set, si: 2n, dx: 2000n }],
  ['poll of nothing', POLL, { di: 0n, si: 0n, dx: 2000n }],
  ['poll without a timeout', undefined, { di: at.set, si: 2n, dx: 0xffff_ffffn }],
  ['poll that does not wait', undefined, { di: at.set, si: 2n, dx: 0n }],
  ['a set with answers', undefined, { di: at.answered, si: 2n, dx: 2000n }],
  ['a set that asks for nothing', undefined, { di: at.zero, si: 2n, dx: 2000n }],
  ['a set that cannot be read', undefined, { di: at.set, si: 3n, dx: 2000n }],
  ['a set too large', undefined, { di: at.set, si: 2n ** 17n, dx: 2000n }],
  ['an empty set with an address', undefined, { di: at.set, si: 0n, dx: 2000n }],

  [
    'a timeout that is the address of a time',
    CLOCK_NANOSLEEP,
    { di: 0n, si: 0n, dx: at.time, r10: 0n },
  ],
  ['a word with bytes enough for a set', FUTEX, { di: at.word, si: 128n, dx: 7n, r10: at.time }],
  ['a word with bytes like a time', FUTEX, { di: at.wordOfTime, si: 0n, dx: 2n, r10: at.time }],
  ['a word with bytes like a set', FUTEX, { di: at.wordOfSet, si: 128n, dx: 3n, r10: at.time }],
  ['nanosleep or clock_nanosleep', undefined, { di: at.timeByClock, si: 0n, dx: at.time, r10: 0n }],
  ['nothing that fits', undefined, {}],
];

for (const [name, number, given] of TABLE) {
  test(`arguments: ${name}: ${String(number)}`, (t) => {
    t.is(find(given), number);
  });
}

test('the code before the call is believed first, if it tells of a call with a restart block', (t) => {
  const withCode =
    (number: number): ReadMemory =>
    (address, length) =>
      address < CODE_END ? Uint8Array.of(0xb8, number, 0, 0, 0) : read(address, length);
  const sleep = { di: at.time, si: 0n };
  t.is(find(sleep, withCode(POLL)), POLL);
  t.is(find(sleep, withCode(0)), NANOSLEEP);
});
