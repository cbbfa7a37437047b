// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { assertNotAborted, ShimError } from '../../../src/common/errors.js';

test('what is given up says why', (t) => {
  const abort = new AbortController();
  t.notThrows(() => {
    assertNotAborted(undefined, 'checkpoint a');
    assertNotAborted(abort.signal, 'checkpoint a');
  });
  const given = (reason?: unknown) =>
    t.throws(
      () => {
        assertNotAborted(AbortSignal.abort(reason), 'checkpoint a');
      },
      { instanceOf: ShimError },
    );
  const { kind, message } = given(new ShimError('aborted', 'task a was killed meanwhile'));
  t.deepEqual([kind, message], ['aborted', 'checkpoint a: task a was killed meanwhile']);
  t.deepEqual([given().kind, given(7).message], ['canceled', 'checkpoint a: canceled']);
});
