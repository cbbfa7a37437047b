// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from './paths.js';
import { run } from './run.js';

const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-static'];

/** A static program of a C source, and the headers that it includes; compiled if the cache has none of the same sources and flags. */
export async function compiled(name: string, sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const source of sources) hash.update(await readFile(source));
  const binary = join(cacheDirectory('tools'), `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  const fresh = `${binary}.${String(process.pid)}`;
  const [program = ''] = sources;
  await run('gcc', [...FLAGS, '-o', fresh, program]);
  await rename(fresh, binary);
  return binary;
}
