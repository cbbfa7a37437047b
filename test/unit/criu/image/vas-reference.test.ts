// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import {
  formatVasReference,
  parseVasReference,
  type VasReference,
} from '../../../../src/criu/image/vas-reference.js';
import { VAS } from '../../../../src/criu/restore/rehearsal/sample-image.js';

test('what is written is read again', (t) => {
  t.deepEqual(parseVasReference(formatVasReference(VAS)), VAS);
});

const BAD: (readonly [string, unknown, RegExp])[] = [
  ['a list', [VAS], /not an object/],
  ['null', null, /not an object/],
  ['another format', { ...VAS, format: 2 }, /not version 1/],
  ['a field more', { ...VAS, path: '/etc/shadow' }, /unknown field "path"/],
  ['a field less', { ...VAS, bootId: undefined }, /bootId is missing/],
  ['a VAS id with a slash', { ...VAS, vasId: '../x' }, /vasId is missing or malformed/],
  ['an empty VAS id', { ...VAS, vasId: '' }, /vasId/],
  ['a VAS id that is an option', { ...VAS, vasId: '-rf' }, /vasId/],
  ['a VAS id with a line end', { ...VAS, vasId: 'a\n' }, /vasId/],
  ['a container id with a slash', { ...VAS, containerId: 'a/b' }, /containerId/],
  ['a boot id in capitals', { ...VAS, bootId: VAS.bootId.toUpperCase() }, /bootId/],
  ['a 13th month', { ...VAS, createdAt: '2026-13-01T00:00:00.000Z' }, /createdAt is not a time/],
  ['local time', { ...VAS, createdAt: '2026-01-01T00:00:00.000+02:00' }, /createdAt/],
];

for (const [what, value, message] of BAD) {
  test(`refuses ${what}`, (t) => {
    const text = JSON.stringify(value);
    t.throws(() => parseVasReference(text), { instanceOf: ShimError, code: 15, message });
    if (message.source.includes('object')) return;
    const write = { instanceOf: ShimError, code: 3, message };
    t.throws(() => formatVasReference(value as VasReference), write);
  });
}

test('refuses what is not JSON, or too long', (t) => {
  t.throws(() => parseVasReference('{'), { message: /not JSON/ });
  t.throws(() => parseVasReference(' '.repeat(5000)), { message: /too long/ });
});
