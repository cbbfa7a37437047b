// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { ProcTexts } from '../../../../src/criu/procfs/texts.js';

test('texts and links of a folder are there by their names', (t) => {
  const texts = ProcTexts.read('self', ['limits', 'comm'], ['exe']);
  t.is(texts.file('comm').toString(), readFileSync('/proc/self/comm', 'utf8'));
  t.is(texts.file('limits').toString(), readFileSync('/proc/self/limits', 'utf8'));
  t.is(texts.link('exe'), readlinkSync('/proc/self/exe'));
});

test('what cannot be read throws when it is asked for, a folder at once', (t) => {
  const texts = ProcTexts.read('self', ['comm', 'nothing'], ['none']);
  t.true(texts.file('comm').length > 0);
  const file = t.throws(() => texts.file('nothing'), { instanceOf: ShimError });
  t.is(file.kind, 'notFound');
  t.is(file.message, 'read /proc/self/nothing: ENOENT');
  const link = t.throws(() => texts.link('none'), { instanceOf: ShimError });
  t.is(link.message, 'read link /proc/self/none: ENOENT');
  const gone = t.throws(() => ProcTexts.read('4194305', ['stat']), { instanceOf: ShimError });
  t.is(gone.kind, 'notFound');
});
