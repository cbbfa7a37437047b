// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { logger, setLogSink, tellAll } from '../../../src/common/log.js';

const lines: string[] = [];
setLogSink((line) => lines.push(line.replace(/^\S+ /, '')));
const log = logger('test');

test.beforeEach(() => {
  lines.length = 0;
});

test.serial('warnings that were held back are told in their order', (t) => {
  tellAll([
    { log, message: 'something', fields: { is: 'lost' } },
    { log, message: 'something else' },
  ]);
  t.deepEqual(lines, ['warn mvas:test something is=lost', 'warn mvas:test something else']);
});
