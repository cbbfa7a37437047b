// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { compiled } from './compiled.js';
import { REPOSITORY } from './paths.js';

/** A static program that serves a file system which does not answer, and runs another program: slow-fuse.c. */
export async function slowFuse(): Promise<string> {
  return await compiled('slow-fuse', [
    join(REPOSITORY, 'test/helpers/slow-fuse.c'),
    join(REPOSITORY, 'test/targets/fuse.h'),
    join(REPOSITORY, 'test/targets/target.h'),
  ]);
}
