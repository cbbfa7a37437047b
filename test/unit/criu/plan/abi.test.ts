// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import * as abi from '../../../../src/criu/plan/abi.js';

const HEADER = readFileSync(join('native', 'include', 'mvas_abi.h'), 'utf8').replace(
  /\/\*.*?\*\//gs,
  '',
);

/** Plain numbers that the header defines, by name without `MVAS_`. */
const DEFINES = new Map(
  [...HEADER.matchAll(/^#define MVAS_(\w+) (0x[0-9a-f]+|\d+)(?:u|ull)?\s*$/gm)].map(
    ([, name = '', value = '']) => [name, BigInt(value)],
  ),
);

/** Bits that `(bit << (i))` and `(bit << n)` macros stand for. */
const SHIFTS = new Map(
  [...HEADER.matchAll(/^#define MVAS_(\w+?)(?:\(i\))? \((\d+)u << (?:\(i\)|(\d+))\)/gm)].map(
    ([, name = '', bits = '', shift = '0']) => [name, Number(bits) << Number(shift)],
  ),
);

const SIZES: Readonly<Record<string, number>> = {
  'unsigned char': 1,
  'unsigned int': 4,
  int: 4,
  char: 1,
  'unsigned long long': 8,
  'long long': 8,
};

interface Layout {
  readonly size: number;
  readonly offsets: ReadonlyMap<string, number>;
}

/** Size and offsets of a struct as the x86-64 ABI lays it out. */
function layoutOf(name: string): Layout {
  const body = new RegExp(`^struct ${name} \\{(.*?)^\\};`, 'ms').exec(HEADER)?.[1] ?? '';
  const offsets = new Map<string, number>();
  let end = 0;
  let largest = 1;
  for (const [, type = '', field = '', count = '1'] of body.matchAll(
    /^\s*([a-z][a-z ]*?) (\w+)(?:\[(\d+)\])?;/gm,
  )) {
    const size = SIZES[type] ?? NaN;
    const start = Math.ceil(end / size) * size;
    offsets.set(field, start);
    end = start + size * Number(count);
    largest = Math.max(largest, size);
  }
  return { size: Math.ceil(end / largest) * largest, offsets };
}

function named(prefix: string): Record<string, number> {
  const found = [...DEFINES].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(
    found.map(([name, value]) => [camel(name.slice(prefix.length)), Number(value)]),
  );
}

function camel(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

test('magics are the same', (t) => {
  t.is(DEFINES.get('PLAN_MAGIC'), abi.PLAN_MAGIC);
  t.is(DEFINES.get('REQUEST_MAGIC'), BigInt(abi.REQUEST_MAGIC));
  t.is(DEFINES.get('GUARD_MAGIC'), BigInt(abi.GUARD_MAGIC));
});

test('the header of a plan has the same layout', (t) => {
  const { size, offsets } = layoutOf('mvas_plan_header');
  t.is(size, abi.PLAN_HEADER_SIZE);
  t.is(DEFINES.get('PLAN_SLOTS_OFFSET'), BigInt(abi.PLAN_HEADER_SIZE));
  t.is(DEFINES.get('PLAN_STACK'), BigInt(abi.PLAN_STACK));
  for (const [field, offset] of Object.entries(abi.HEADER)) {
    t.is(
      offsets.get(field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
      offset,
      field,
    );
  }
});

test('an operation has the same layout', (t) => {
  const { size, offsets } = layoutOf('mvas_op');
  t.is(size, abi.OP_SIZE);
  const { args, ...others } = abi.OP;
  t.is(offsets.get('a'), args);
  for (const [field, offset] of Object.entries(others)) t.is(offsets.get(field), offset, field);
});

test('operations have the same numbers, and none is missing on either side', (t) => {
  const { slot, offset, ...codes } = { slot: undefined, offset: undefined, ...named('OP_') };
  t.deepEqual([slot, offset], [undefined, undefined]);
  t.deepEqual(codes, { ...abi.OP_CODE });
});

test('flags of operations are the same', (t) => {
  const { slot, offset, rowWord, rowAddress, ...flags } = abi.OP_FLAG;
  for (const [name, bit] of Object.entries(flags)) {
    const word = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    t.is(SHIFTS.get(`OP_${word}`), bit, name);
  }
  for (let argument = 0; argument < 6; argument++) {
    t.is(slot(argument), (SHIFTS.get('OP_SLOT') ?? NaN) << argument);
    t.is(offset(argument), (SHIFTS.get('OP_OFFSET') ?? NaN) << argument);
    t.is(rowWord(argument), (SHIFTS.get('OP_ROW_WORD') ?? NaN) << argument);
    t.is(rowAddress(argument), (SHIFTS.get('OP_ROW_ADDRESS') ?? NaN) << argument);
  }
  t.is(SHIFTS.size, Object.keys(abi.OP_FLAG).length);
});

test('the mark of options that may fail is the same', (t) => {
  t.is(DEFINES.get('OPTION_TOLERATE'), BigInt(abi.OPTION_TOLERATE));
});

test('a guard has the same layout and actions', (t) => {
  const { size, offsets } = layoutOf('mvas_guard_request');
  t.is(size, abi.GUARD_SIZE);
  t.deepEqual(Object.fromEntries(offsets), { ...abi.GUARD });
  const { magic, ...actions } = named('GUARD_');
  t.is(magic, abi.GUARD_MAGIC);
  t.deepEqual(actions, { ...abi.GUARD_ACTION });
});

test('a hold has the same size and actions', (t) => {
  t.is(layoutOf('mvas_hold_request').size, 8);
  const { magic, ...actions } = named('HOLD_');
  t.is(magic, abi.HOLD_MAGIC);
  t.deepEqual(actions, { ...abi.HOLD_ACTION });
});

test('an order about a life has the same layout', (t) => {
  const { size, offsets } = layoutOf('mvas_life_request');
  t.is(size, abi.LIFE_SIZE);
  t.deepEqual(Object.fromEntries(offsets), { ...abi.LIFE });
  const { magic, retryS: retry, ...bits } = named('LIFE_');
  t.is(magic, abi.LIFE_MAGIC);
  t.true((retry ?? 0) > 0);
  t.deepEqual(bits, { ...abi.LIFE_WITH });
});

test('requests have the same numbers and sizes', (t) => {
  const { magic, ...requests } = named('REQUEST_');
  t.is(magic, abi.REQUEST_MAGIC);
  t.deepEqual(requests, { ...abi.REQUEST });
  t.deepEqual(named('FORK_'), { ...abi.FORK });
  t.is(layoutOf('mvas_request').size, abi.REQUEST_SIZE);
  t.is(layoutOf('mvas_reply').size, abi.REPLY_SIZE);
});

test("the holder's own range has the same layout", (t) => {
  const work = Object.entries(abi.WORK).map(([name, value]) => [name, Number(value)]);
  t.deepEqual(named('WORK_'), Object.fromEntries(work) as Record<string, number>);
});
