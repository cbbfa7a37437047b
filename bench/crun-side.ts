// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import type { Scope } from '../src/common/scope.js';
import { REPOSITORY } from '../test/helpers/paths.js';
import { run } from '../test/helpers/run.js';
import { ContainerdSide } from './containerd-side.js';
import { temporaryInMemory } from './temporary.js';

type Say = (message: string) => void;

/** A containerd that finds crun in the place of `runc`; undefined if there is none, which `say` is told. */
export async function openCrunSide(
  scope: Scope,
  runtime: string,
  say: Say,
): Promise<ContainerdSide | undefined> {
  const directory = await temporaryInMemory();
  scope.defer('remove files', () => rm(directory, { recursive: true, force: true }));
  try {
    await run('bash', [join(REPOSITORY, 'scripts/crun-as-runc.sh'), directory]);
  } catch (error) {
    say(`no figures with crun: ${ShimError.from(error).message}`);
    return undefined;
  }
  const side = await ContainerdSide.open(runtime, say, [directory]);
  scope.defer('stop containerd of crun', () => side.close());
  return side;
}
