// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { logger, setLogSink, warningOnSuccess } from '../../../src/common/log.js';

const lines: string[] = [];
setLogSink((line) => lines.push(line.replace(/^\S+ /, '')));
const log = logger('test');

test.beforeEach(() => {
  lines.length = 0;
});

test.serial('warnings of work are told once it has succeeded', async (t) => {
  const later = await warningOnSuccess(async () => {
    await nextTurn();
    log.warn('something', { is: 'lost' });
    log.error('something else');
    t.deepEqual(lines, ['error mvas:test something else']);
    return {
      left: nextTurn().then(() => {
        log.warn('afterwards');
      }),
    };
  });
  t.deepEqual(lines.slice(1), ['warn mvas:test something is=lost']);
  await later.left;
  t.is(lines.at(-1), 'warn mvas:test afterwards');
});

test.serial('warnings of work that fails are dropped', async (t) => {
  const work = warningOnSuccess(() => {
    log.warn('something');
    return Promise.reject(new Error('not now'));
  });
  await t.throwsAsync(work, { message: 'not now' });
  t.deepEqual(lines, []);
});
