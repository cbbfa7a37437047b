// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { tcpModeOf } from '../../../src/cli/tcp-mode.js';
import { UsageError } from '../../../src/cli/usage.js';

test('what becomes of connections has several names', (t) => {
  t.is(tcpModeOf({}), undefined);
  t.is(tcpModeOf({ tcp: 'refuse' }), 'refuse');
  t.is(tcpModeOf({ 'tcp-established': true }), 'keep');
  t.is(tcpModeOf({ 'tcp-close': true, tcp: 'close' }), 'close');
});

test('unknown modes, and two at once, are refused', (t) => {
  t.throws(() => tcpModeOf({ tcp: 'open' }), { instanceOf: UsageError, message: /not one of/ });
  t.throws(() => tcpModeOf({ tcp: 'close', 'tcp-established': true }), {
    instanceOf: UsageError,
    message: /both close and keep/,
  });
});
