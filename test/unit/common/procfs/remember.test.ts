// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { remember } from '../../../../src/common/procfs/remember.js';

test('a text is parsed once, whether it comes as bytes or not, as long as few others do', (t) => {
  const parsed: string[] = [];
  const parse = remember((text) => {
    parsed.push(text);
    return { text };
  });
  const first = parse('a');
  t.is(parse(Buffer.from('a')), first);
  for (const text of ['b', 'c', 'd']) parse(text);
  t.is(parse('a'), first);
  parse('e');
  t.not(parse('a'), first);
  t.deepEqual(parsed, ['a', 'b', 'c', 'd', 'e', 'a']);
});

test('a text that cannot be parsed is not remembered', (t) => {
  const parse = remember((text): number => {
    throw new RangeError(text);
  });
  t.throws(() => parse('x'), { message: 'x' });
  t.throws(() => parse('x'), { message: 'x' });
});
