// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { REPOSITORY } from '../../../helpers/paths.js';

/** The bytes of a text that a kernel wrote: `odd/maps`. See test/fixtures/procfs/README.md. */
export function fixture(name: string): Buffer {
  return readFileSync(join(REPOSITORY, 'test/fixtures/procfs', name));
}

/** Asserts that the parser refuses the text, with an error naming the file and showing `shown`. */
export function refuses(
  t: ExecutionContext,
  parse: () => unknown,
  { file, shown }: { readonly file: string; readonly shown: string },
): void {
  const error = t.throws(parse, { instanceOf: ShimError });
  t.is(error.kind, 'internal');
  t.true(error.message.startsWith(`parse ${file}: `), error.message);
  t.true(error.message.includes(shown), error.message);
}
