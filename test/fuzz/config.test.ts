// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { decodeConfig } from '../../src/common/config.js';
import { ShimError } from '../../src/common/errors.js';

const PIECES = [
  ...['[vas]', '[budget]', '[snapshot]', '[[vas]]', 'ttl', 'lease', 'memory', 'share', 'reserve'],
  ...[
    ' = ',
    '"12h"',
    '"image"',
    '8',
    '"8GiB"',
    '[',
    ']',
    '{',
    '}',
    '.',
    '"',
    "'''",
    '\n',
    '\u0000',
  ],
  ...['1979-05-27', 'nan', '-0', '__proto__', '# x', '\\u0000', '0x7fffffffffffffff'],
];

test('a configuration is decoded, or refused with file and line', (t) => {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      try {
        decodeConfig(pieces.join(''), '/c');
      } catch (error) {
        if (!(error instanceof ShimError)) throw error;
        if (!/^\/c:\d+: /.test(error.message)) throw new Error(`no line: ${error.message}`);
      }
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});
