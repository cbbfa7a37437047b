// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseChildren } from '../../../../src/criu/procfs/children.js';
import { fixture, refuses } from './fixture.js';

test('ids between spaces, or none', (t) => {
  t.deepEqual(parseChildren(fixture('odd/children')), [9436, 9437]);
  t.deepEqual(parseChildren(''), []);
});

test('refused: anything else', (t) => {
  refuses(t, () => parseChildren('12 x '), { file: 'children', shown: '12 x' });
  refuses(t, () => parseChildren('99999999999999999999 '), { file: 'children', shown: '9999' });
});
