// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShimError } from '../../src/common/errors.js';

/** The checkout: the nearest directory upwards that holds package.json. */
export const REPOSITORY = findRepository(dirname(fileURLToPath(import.meta.url)));

/** Where `containerd-shim-mvas-v1` and `mvas` lie after a build. */
export const BIN = join(REPOSITORY, 'bin');

/** Directory of what is costly to make again (images, CRIU): `MVAS_CACHE`, or /var/cache/mvas-shim. */
export function cacheDirectory(...parts: readonly string[]): string {
  const directory = join(process.env['MVAS_CACHE'] ?? '/var/cache/mvas-shim', ...parts);
  mkdirSync(directory, { recursive: true });
  return directory;
}

function findRepository(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new ShimError('internal', 'no package.json above the test helpers');
  return findRepository(parent);
}
