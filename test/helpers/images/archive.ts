// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Header, type Pack } from 'tar-stream';
import { cacheDirectory } from '../paths.js';
import { run } from '../run.js';
import type { Entry, RootFilesystem } from './rootfs.js';

/** How a container of the image starts unless told otherwise. */
export interface ImageConfig {
  readonly args: readonly string[];
  readonly env?: readonly string[];
}

/** The part of tar-stream's header that is needed here. */
type EntryHeader = Partial<Header> & { readonly name: string };

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const FORMAT = '1'; // part of the digest: raise it when this file writes archives differently

/**
 * Writes an OCI image layout (one uncompressed layer) as a tar for `ctr images import`, unless the
 * cache has it already, and resolves with its path.
 *
 * Source of the format: image-spec, image-layout.md; the annotation is containerd's.
 */
export async function imageArchive(
  reference: string,
  rootfs: RootFilesystem,
  config: ImageConfig,
): Promise<string> {
  return await archiveOf(reference, config, rootfs.digest(), (layer) => writeLayer(rootfs, layer));
}

/** The same of a directory with a whole root filesystem, whose name tells its content. */
export async function directoryArchive(
  reference: string,
  root: string,
  config: ImageConfig,
): Promise<string> {
  return await archiveOf(reference, config, root, async (layer) => {
    await run('tar', ['-c', '--numeric-owner', '--one-file-system', '-f', layer, '-C', root, '.']);
  });
}

async function archiveOf(
  reference: string,
  config: ImageConfig,
  content: string,
  write: (layer: string) => Promise<void>,
): Promise<string> {
  const key = sha256(JSON.stringify([FORMAT, reference, config, content])).slice(0, 24);
  const directory = cacheDirectory('images');
  const path = join(directory, `${reference.replace(/[^\w.-]+/g, '_')}-${key}.tar`);
  if (existsSync(path)) return path;

  const work = await mkdtemp(join(directory, 'work-'));
  try {
    const layer = join(work, 'layer.tar');
    await write(layer);
    const archive = join(work, 'image.tar');
    await writeLayout(reference, config, layer, archive);
    await rename(archive, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

async function writeLayer(rootfs: RootFilesystem, path: string): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(path));
  for (const [name, entry] of rootfs.entries()) await addEntry(tar, name, entry);
  tar.finalize();
  await written;
}

async function addEntry(tar: Pack, name: string, entry: Entry): Promise<void> {
  const common = { mtime: new Date(0), uid: 0, gid: 0 };
  switch (entry.kind) {
    case 'directory':
      await addBytes(tar, { ...common, name: `${name}/`, type: 'directory', mode: entry.mode });
      return;
    case 'symlink':
      await addBytes(tar, { ...common, name, type: 'symlink', linkname: entry.target });
      return;
    case 'content':
      await addBytes(tar, { ...common, name, mode: entry.mode }, Buffer.from(entry.content));
      return;
    case 'copy':
      await addFile(tar, { ...common, name, mode: entry.mode }, entry.source);
  }
}

async function writeLayout(
  reference: string,
  config: ImageConfig,
  layer: string,
  path: string,
): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(path));
  const layerDigest = await digestOf(layer);
  const image = json({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: config.args, Env: [PATH, ...(config.env ?? [])], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', image),
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: `sha256:${layerDigest}`,
        size: (await stat(layer)).size,
      },
    ],
  });
  const entry = descriptor('application/vnd.oci.image.manifest.v1+json', manifest);
  const annotations = { 'io.containerd.image.name': reference };
  await addBytes(tar, { name: 'oci-layout' }, json({ imageLayoutVersion: '1.0.0' }));
  await addBytes(tar, { name: `blobs/sha256/${sha256(image)}` }, image);
  await addBytes(tar, { name: `blobs/sha256/${sha256(manifest)}` }, manifest);
  await addFile(tar, { name: `blobs/sha256/${layerDigest}` }, layer);
  await addBytes(
    tar,
    { name: 'index.json' },
    json({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  );
  tar.finalize();
  await written;
}

function addBytes(
  tar: Pack,
  header: EntryHeader,
  content: Buffer = Buffer.alloc(0),
): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function addFile(tar: Pack, header: EntryHeader, source: string): Promise<void> {
  const { size } = await stat(source);
  if (size < 16 * 1024 * 1024) {
    await addBytes(tar, header, await readFile(source));
    return;
  }
  const entry = tar.entry({ ...header, size });
  await pipeline(createReadStream(source), entry);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function descriptor(mediaType: string, content: Buffer): Record<string, unknown> {
  return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
