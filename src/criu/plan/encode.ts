// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../common/errors.js';
import { OP, OP_FLAG, WORD } from './abi.js';
import { RowAddress, RowWord } from './row.js';
import { Sequence, type Operation } from './sequence.js';
import { PlanPointer, Slot, type Argument } from './values.js';

const TWO_32 = 0x1_0000_0000;

/** The words of a plan, and their halves. */
export interface PlanWords {
  readonly words: BigUint64Array;
  readonly halves: Uint32Array;
}

/** Writes an operation from the `at`th word on; numbers are taken modulo 2^64. */
export function writeOperation(
  { words, halves }: PlanWords,
  at: number,
  operation: Operation,
): void {
  const { code, nr, args, options } = operation;
  let flags = 0;
  let index = 0;
  for (const argument of args) {
    put({ words, halves }, at + OP.args / WORD + index, argument);
    flags |= flagOf(argument, index++);
  }
  if (options.tolerate) flags |= OP_FLAG.tolerate;
  if (options.expect !== undefined) {
    flags |= options.expect instanceof RowWord ? OP_FLAG.rowExpect : OP_FLAG.expect;
    put({ words, halves }, at + OP.expect / WORD, options.expect);
  }
  if (options.store) {
    flags |= OP_FLAG.store;
    put({ words, halves }, at + OP.slot / WORD, options.store);
  }
  if (options.move !== undefined) {
    flags |= options.move instanceof RowWord ? OP_FLAG.move | OP_FLAG.rowMove : OP_FLAG.move;
    put({ words, halves }, at + OP.slot / WORD, options.move);
  }
  halves[at * 2] = code;
  halves[at * 2 + 1] = flags;
  halves[(at + OP.nr / WORD) * 2] = nr;
}

/** Writes a word that is zero. A bigint for each number would be an object for each. */
function put({ words, halves }: PlanWords, at: number, argument: Argument | Sequence): void {
  if (typeof argument === 'bigint') {
    words[at] = argument;
    return;
  }
  const number = numberOf(argument);
  halves[at * 2] = number;
  if (number < 0 || number >= TWO_32) halves[at * 2 + 1] = Math.floor(number / TWO_32);
}

function numberOf(argument: Exclude<Argument | Sequence, bigint>): number {
  if (typeof argument === 'number') return argument;
  if (argument === null) return 0;
  if (argument instanceof Slot) return argument.index;
  if (argument instanceof PlanPointer) return argument.data.offset + argument.delta;
  if (argument instanceof RowWord || argument instanceof RowAddress) return argument.at;
  const isPlaced = argument.offset >= 0;
  assertInvariant(isPlaced, 'an operation points to what belongs to another plan');
  return argument.offset;
}

/** Says what an argument's word means: a slot or an offset. */
function flagOf(argument: Argument | Sequence, index: number): number {
  if (argument === null || typeof argument !== 'object') return 0;
  if (argument instanceof Slot) return OP_FLAG.slot(index);
  if (argument instanceof RowWord) return OP_FLAG.rowWord(index);
  if (argument instanceof RowAddress) return OP_FLAG.rowAddress(index);
  return argument instanceof Sequence ? 0 : OP_FLAG.offset(index);
}
