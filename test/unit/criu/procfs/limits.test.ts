// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseLimits, RESOURCES, RLIM_INFINITY } from '../../../../src/criu/procfs/limits.js';
import { fixture, refuses } from './fixture.js';

test('all 16 resources, the index being the RLIMIT number', (t) => {
  const limits = parseLimits(fixture('odd/limits'));
  t.deepEqual(
    limits.map((limit) => limit.resource),
    [...RESOURCES],
  );
  t.is(limits.length, 16);
  t.deepEqual(limits[3], { resource: 'stack', soft: 8388608n, hard: RLIM_INFINITY });
  t.deepEqual(limits[4], { resource: 'core', soft: 0n, hard: 0n });
  t.deepEqual(limits[7], { resource: 'nofile', soft: 1000n, hard: 4096n });
  t.deepEqual(limits[13], { resource: 'nice', soft: 0n, hard: 0n });
  t.deepEqual(limits[15], { resource: 'rttime', soft: RLIM_INFINITY, hard: RLIM_INFINITY });
});

for (const [what, from, to, shown] of [
  ['a missing line', /^Max processes.*\n/m, '', 'Max open files'],
  ['a missing last line', /^Max realtime timeout.*\n/m, '', 'rttime: (missing)'],
  ['one more resource', /$/, 'Max love  1  1  bytes\n', 'Max love'],
  ['an unknown word', /unlimited/, 'boundless', 'boundless'],
  ['no head', /^Limit/, 'Limits', 'Limits'],
] as const) {
  test(`refused: ${what}`, (t) => {
    const text = fixture('odd/limits').toString().replace(from, to);
    refuses(t, () => parseLimits(text), { file: 'limits', shown });
  });
}

test('refused: an empty file', (t) => {
  refuses(t, () => parseLimits(''), { file: 'limits', shown: '""' });
});
