// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../paths.js';
import { run } from '../run.js';

interface Descriptor {
  readonly digest: string;
}

/** Unpacks the layers of an image archive into an existing directory: a root filesystem for runc. */
export async function extractImage(archive: string, into: string): Promise<void> {
  const work = await mkdtemp(join(cacheDirectory('images'), 'extract-'));
  const blob = ({ digest }: Descriptor): string => join(work, 'blobs', digest.replace(':', '/'));
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
  try {
    await run('tar', ['-x', '-f', archive, '-C', work]);
    const index = (await read(join(work, 'index.json'))) as { manifests: [Descriptor] };
    const manifest = (await read(blob(index.manifests[0]))) as { layers: readonly Descriptor[] };
    for (const layer of manifest.layers) await run('tar', ['-x', '-f', blob(layer), '-C', into]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
