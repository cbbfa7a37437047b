// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { asNsPid, asNsTid } from '../../../../src/common/ids.js';
import {
  HEADER,
  OP,
  OP_CODE,
  OP_FLAG,
  OP_SIZE,
  OPTION_TOLERATE,
  PLAN_HEADER_SIZE,
  PLAN_MAGIC,
} from '../../../../src/criu/plan/abi.js';
import { RowAddress, RowWord } from '../../../../src/criu/plan/row.js';
import { PlanBuilder, type Plan } from '../../../../src/criu/plan/builder.js';
import { PlanPointer } from '../../../../src/criu/plan/values.js';

const word = (plan: Plan, at: number): bigint => Buffer.from(plan.bytes).readBigUInt64LE(at);
const half = (plan: Plan, at: number): number => Buffer.from(plan.bytes).readUInt32LE(at);
const argument = (plan: Plan, operation: number, index: number): bigint =>
  word(plan, operation + OP.args + index * 8);

test('an empty plan is a page with a header', (t) => {
  const plan = new PlanBuilder().finish();
  t.is(plan.bytes.length, 4096);
  t.is(word(plan, HEADER.magic), PLAN_MAGIC);
  t.is(word(plan, HEADER.size), 4096n);
  t.is(word(plan, HEADER.slots), 0n);
  t.is(word(plan, HEADER.failed), 0n);
});

test('operations follow the slots, each in its sequence', (t) => {
  const builder = new PlanBuilder();
  const [first, second] = [builder.sequence('pid 1'), builder.sequence('pid 2')];
  builder.slot();
  builder.slot();
  second.end();
  first.stop('stand still');
  first.end();
  const plan = builder.finish();
  t.is(first.offset, PLAN_HEADER_SIZE + 2 * 8);
  t.is(second.offset, first.offset + 2 * OP_SIZE);
  t.is(word(plan, HEADER.slots), 2n);
  t.is(half(plan, first.offset + OP.code), OP_CODE.stop);
  t.is(half(plan, first.offset + OP_SIZE + OP.code), OP_CODE.end);
  t.is(half(plan, second.offset + OP.code), OP_CODE.end);
});

test('arguments are values, slots, or places in the plan', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  builder.slot();
  const slot = builder.slot();
  const data = builder.data(Uint8Array.of(1, 2, 3, 4));
  const args = [-1, 1n << 63n, null, slot, data, new PlanPointer(data, 3)];
  sequence.syscall('try', 39, args);
  const plan = builder.finish();
  const at = sequence.offset;
  t.is(word(plan, at + OP.nr), 39n);
  t.deepEqual(
    args.map((_, index) => argument(plan, at, index)),
    [2n ** 64n - 1n, 1n << 63n, 0n, 1n, BigInt(data.offset), BigInt(data.offset + 3)],
  );
  t.is(half(plan, at + OP.flags), OP_FLAG.slot(3) | OP_FLAG.offset(4) | OP_FLAG.offset(5));
  t.deepEqual([...plan.bytes.subarray(data.offset, data.offset + 4)], [1, 2, 3, 4]);
});

test('options of a socket that follow each other are one operation', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  sequence.optionsOf(300).add([6, 19], [-1]);
  sequence.optionsOf(300).add([1, 25], Uint8Array.of(1, 2, 3, 4, 5));
  sequence.optionsOf(300).add([1, 72], [3], true);
  sequence.optionsOf(301).add([6, 1], [1]);
  sequence.end();
  sequence.optionsOf(301).add([6, 1], [0]);
  const plan = builder.finish();
  const codes = [0, 1, 2, 3].map((index) => half(plan, sequence.offset + index * OP_SIZE));
  t.deepEqual(codes, [OP_CODE.options, OP_CODE.options, OP_CODE.end, OP_CODE.options]);
  t.is(argument(plan, sequence.offset, 0), 300n);
  t.is(half(plan, sequence.offset + OP.flags), OP_FLAG.offset(1));
  const at = Number(argument(plan, sequence.offset, 1));
  const tolerated = (OPTION_TOLERATE | 4) >>> 0;
  const table = Array.from({ length: 14 }, (_, index) => half(plan, at + index * 4));
  t.deepEqual(table, [
    ...[3, 6, 19, 4, 0xffffffff],
    ...[1, 25, 5, 0x04030201, 5],
    1,
    72,
    tolerated,
    3,
  ]);
  t.is(plan.describe(BigInt(at + 4)), 'pid 1: set socket option 6:19');
  t.is(plan.describe(BigInt(at + 20)), 'pid 1: set socket option 1:25');
});

test('options say how a result is judged and kept', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  builder.slot();
  const slot = builder.slot();
  sequence.syscall('tolerate', 1, [], { tolerate: true });
  sequence.syscall('expect', 1, [], { expect: -2 });
  sequence.syscall('store', 1, [], { store: slot });
  sequence.syscall('move', 1, [], { move: 300 });
  const plan = builder.finish();
  const [tolerate, expect, store, move] = [0, 1, 2, 3].map(
    (index) => sequence.offset + index * OP_SIZE,
  );
  t.is(half(plan, (tolerate ?? 0) + OP.flags), OP_FLAG.tolerate);
  t.is(half(plan, (expect ?? 0) + OP.flags), OP_FLAG.expect);
  t.is(BigInt.asIntN(64, word(plan, (expect ?? 0) + OP.expect)), -2n);
  t.is(half(plan, (store ?? 0) + OP.flags), OP_FLAG.store);
  t.is(word(plan, (store ?? 0) + OP.slot), 1n);
  t.is(half(plan, (move ?? 0) + OP.flags), OP_FLAG.move);
  t.is(word(plan, (move ?? 0) + OP.slot), 300n);
});

test('every operation has its code and arguments in the order of the header', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  const child = builder.sequence('pid 2');
  child.end();
  sequence.copy('copy', 1n, 2n, 3n);
  sequence.pull('pull', 4, 5n, 6n, 7n);
  sequence.pread('pread', 4, 5n, 6n, 7n);
  sequence.write('write', 1, 2n, 3n);
  sequence.poke('poke', 8n, 9n);
  const forked = { sequence: child, stackEnd: 0x2000n };
  sequence.fork('fork', { pid: asNsPid(2), ...forked, flags: 0x100, exitSignal: 0 });
  sequence.fork('fork', { pid: asNsPid(3), ...forked });
  sequence.thread('thread', asNsTid(4), child, 0x1000n);
  sequence.timer('timer', 1, null, 6);
  sequence.drainSignals('drain', 5n);
  sequence.moveFrom('move', 6n, 300);
  const plan = builder.finish();
  const target = BigInt(child.offset);
  const expected: readonly (readonly [number, ...bigint[]])[] = [
    [OP_CODE.copy, 1n, 2n, 3n],
    [OP_CODE.pull, 4n, 5n, 6n, 7n],
    [OP_CODE.pread, 4n, 5n, 6n, 7n],
    [OP_CODE.write, 1n, 2n, 3n],
    [OP_CODE.poke, 8n, 9n],
    [OP_CODE.fork, 2n, target, 0x2100n, 0n, 0x2000n],
    [OP_CODE.fork, 3n, target, 0x2000n, 17n, 0x2000n],
    [OP_CODE.thread, 4n, target, 0x1000n],
    [OP_CODE.timer, 1n, 0n, 6n],
    [OP_CODE.drainSignals, 5n],
    [OP_CODE.moveFrom, 6n, 300n],
  ];
  expected.forEach(([code, ...args], index) => {
    const at = sequence.offset + index * OP_SIZE;
    t.is(half(plan, at + OP.code), code);
    t.is(half(plan, at + OP.flags), 0);
    t.deepEqual(
      args.map((_, position) => argument(plan, at, position)),
      args,
    );
  });
});

test('a path is opened by one operation, with its flags and the place of what is found', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  const [path, how, stat] = [builder.string('/x'), builder.reserve(24), builder.reserve(144)];
  const open = { directory: -100, path, how, number: 300 };
  sequence.open('open', { ...open, flags: 0o2000, stat });
  sequence.open('open', { ...open, flags: null, stat: null });
  const plan = builder.finish();
  const arguments_ = (at: number): bigint[] =>
    [0, 1, 2, 3, 4, 5].map((index) => argument(plan, at, index));
  const common = [2n ** 64n - 100n, BigInt(path.offset), BigInt(how.offset), 300n];
  const at = sequence.offset;
  t.is(half(plan, at + OP.code), OP_CODE.open);
  t.deepEqual(arguments_(at), [...common, 0o2000n, BigInt(stat.offset)]);
  t.deepEqual(arguments_(at + OP_SIZE), [...common, 2n ** 64n - 1n, 0n]);
});

test('the rows of a table are one operation, and each has words of its own', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 12');
  const data = builder.data(new Uint8Array(2 * 3 * 8));
  sequence.rows({ nr: 292, data, width: 3, what: (row) => `place fd ${String(row + 5)}` });
  const plan = builder.finish();
  const at = sequence.offset;
  t.is(half(plan, at + OP.code), OP_CODE.rows);
  t.is(word(plan, at + OP.nr), 292n);
  const args = [0, 1, 2].map((index) => argument(plan, at, index));
  t.deepEqual(args, [BigInt(data.offset), 2n, 3n]);
  t.is(plan.describe(BigInt(data.offset)), 'pid 12: place fd 5');
  t.is(plan.describe(BigInt(data.offset + 24)), 'pid 12: place fd 6');
});

test('what is done for each row is one operation, and its own take words and addresses of the row', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 12');
  const data = builder.data(new Uint8Array(2 * 24));
  const body = builder.sequence('');
  const [number, address] = [new RowWord(8), new RowAddress(16)];
  body.syscall('bind', 49, [number, address, 16], { move: number, expect: number });
  body.end();
  sequence.each({ data, width: 24, what: (row) => `file ${String(row + 5)}` }, body);
  const plan = builder.finish();
  const args = [0, 1, 2, 3].map((index) => argument(plan, sequence.offset, index));
  t.is(half(plan, sequence.offset + OP.code), OP_CODE.each);
  t.deepEqual(args, [BigInt(data.offset), 2n, 24n, BigInt(body.offset)]);
  const { rowWord, rowAddress, move, rowMove, rowExpect } = OP_FLAG;
  const flags = rowWord(0) | rowAddress(1) | move | rowMove | rowExpect;
  t.is(half(plan, body.offset + OP.flags), flags);
  t.deepEqual(
    [OP.slot, OP.expect].map((field) => word(plan, body.offset + field)),
    [8n, 8n],
  );
  t.is(plan.describe(BigInt(body.offset), BigInt(data.offset + 24)), 'pid 12: file 6: bind');
});

test('data is aligned, and strings end in NUL', (t) => {
  const builder = new PlanBuilder();
  const text = builder.string('abc');
  const page = builder.reserve(10, 64);
  const raw = builder.string(Uint8Array.of(0xff));
  const plan = builder.finish();
  t.is(page.offset % 64, 0);
  t.deepEqual([...plan.bytes.subarray(text.offset, text.offset + 4)], [97, 98, 99, 0]);
  t.deepEqual([...plan.bytes.subarray(raw.offset, raw.offset + 2)], [0xff, 0]);
  t.true(page.offset >= text.offset + 4);
  t.true(raw.offset >= page.offset + 10);
});

test('data may be filled in until the plan is finished', (t) => {
  const builder = new PlanBuilder();
  const data = builder.data(new Uint8Array(1));
  data.bytes[0] = 7;
  t.is(builder.finish().bytes[data.offset], 7);
});

test('a link is an absolute address', (t) => {
  const builder = new PlanBuilder(0x10000n);
  const [from, to] = [builder.reserve(16), builder.string('x')];
  builder.link(from, 8, to);
  const plan = builder.finish();
  t.is(word(plan, from.offset + 8), 0x10000n + BigInt(to.offset));
  t.is(word(plan, from.offset), 0n);
});

test('a failed operation is described by its sequence and words', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 12');
  sequence.syscall('open fd 7', 2, []);
  const plan = builder.finish();
  t.is(plan.describe(BigInt(sequence.offset)), 'pid 12: open fd 7');
  t.is(plan.describe(1n), 'operation at 1');
});

test('a result is told by what was expected or by words of its own, never as an errno it is not', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 12');
  sequence.syscall('map', 9, [], { expect: 4096n });
  sequence.syscall('open', 2, [], { explain: (result) => (result === -2n ? 'gone' : undefined) });
  const plan = builder.finish();
  const [map, open] = [0, 1].map((index) => BigInt(sequence.offset + index * OP_SIZE));
  t.is(plan.explain(map ?? 0n, 435n), 'pid 12: map: the result is 435, not 4096');
  t.is(plan.explain(map ?? 0n, -5000n), 'pid 12: map: the result is -5000, not 4096');
  t.is(plan.explain(map ?? 0n, -12n), undefined);
  t.is(plan.explain(open ?? 0n, -2n), 'gone');
  t.is(plan.explain(open ?? 0n, -13n), undefined);
});

test('mistakes of the planner are found', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  const seven = [1, 2, 3, 4, 5, 6, 7];
  t.throws(
    () => {
      sequence.syscall('too many', 1, seven);
    },
    { instanceOf: ShimError },
  );
  const other = new PlanBuilder().sequence('pid 2');
  sequence.fork('fork', { pid: asNsPid(2), sequence: other, stackEnd: 0n });
  t.throws(() => builder.finish(), { instanceOf: ShimError, message: /another plan/ });
});

test('the failure of what is done for a row is told in the words of its table', (t) => {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('pid 1');
  const body = builder.sequence('');
  const data = builder.data(new Uint8Array(3 * 16));
  const [path, number] = [new RowWord(0), new RowWord(8)];
  body.open('', { directory: -100, path, how: data, number, flags: null, stat: null });
  body.end();
  const what = (row: number): string => `open file ${String(row)}`;
  const explain = (row: number, result: bigint): string | undefined =>
    result === -2n ? `file ${String(row)} is gone` : undefined;
  sequence.each({ data, width: 16, what, explain }, body);
  const plan = builder.finish();
  const [at, row] = [BigInt(body.offset), BigInt(data.offset + 16)];
  t.is(plan.describe(at, row), 'pid 1: open file 1');
  t.is(plan.explain(at, -2n, row), 'file 1 is gone');
  t.is(plan.explain(at, -13n, row), undefined);
});
