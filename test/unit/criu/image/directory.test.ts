// SPDX-License-Identifier: Apache-2.0
import {
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import test, { type ExecutionContext } from 'ava';
import { ShimError, type ErrorKind } from '../../../../src/common/errors.js';
import {
  readCheckpointImage,
  writeAllButInventory,
  type CheckpointImage,
} from '../../../../src/criu/image/checkpoint-image.js';
import { encodeImage } from '../../../../src/criu/image/codec.js';
import { kindInfo } from '../../../../src/criu/image/header.js';
import { ImageReader } from '../../../../src/criu/image/image-reader.js';
import { ImageWriter } from '../../../../src/criu/image/image-writer.js';
import { partsOf } from '../../../../src/criu/image/parts.js';
import { messageArbitrary } from './arbitraries.js';
import { sampleImage, VAS } from '../../../../src/criu/restore/rehearsal/sample-image.js';

async function temporary(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mvas-image-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function written(t: ExecutionContext): Promise<string> {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writeAllButInventory(writer, sampleImage());
  await writer.commit(sampleImage().inventory);
  return path;
}

function read(path: string): CheckpointImage {
  const reader = ImageReader.open(path);
  try {
    return readCheckpointImage(reader);
  } finally {
    reader.close();
  }
}

async function fails(
  t: ExecutionContext,
  work: Promise<unknown>,
  kind: ErrorKind,
  message: RegExp,
): Promise<void> {
  const error = await t.throwsAsync(work, { instanceOf: ShimError, message });
  t.is(error?.kind, kind);
}

/** Work whose error is to be a rejection. */
function later(work: () => unknown): Promise<unknown> {
  return Promise.resolve().then(work);
}

test('a checkpoint is read as it was written', async (t) => {
  t.deepEqual(read(await written(t)), { ...sampleImage(), ipcLimits: undefined });
});

test('every part is read as it was written', async (t) => {
  const image: Record<string, unknown> = { ...sampleImage() };
  for (const [key, { kind, by }] of partsOf()) {
    const { layout, message } = kindInfo(kind);
    if (layout === 'payload' || layout === 'ghost' || layout === 'queues' || message === undefined)
      continue;
    const entries = fc.sample(messageArbitrary(message), 2);
    const file: unknown = layout === 'entries' ? entries : entries[0];
    image[key] = by === 'id' ? new Map([[7, file]]) : file;
  }
  const [stream] = fc.sample(messageArbitrary('tcp_stream_entry'), 1);
  const entry = { ...stream, inq_len: 1, outq_len: 1, mvas_ino: 5 };
  image['tcpStreams'] = new Map([[5, { entry, payload: Uint8Array.of(1, 2) }]]);
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writeAllButInventory(writer, image as unknown as CheckpointImage);
  await writer.commit(sampleImage().inventory);
  t.deepEqual(read(path), image as unknown as CheckpointImage);
});

test('files are 0600 in a directory that is 0700', async (t) => {
  const path = await written(t);
  t.is((await stat(path)).mode & 0o777, 0o700);
  const names = await readdir(path);
  t.true(names.includes('core-5.img') && names.includes('vas.json'));
  for (const name of names) t.is((await stat(join(path, name))).mode & 0o777, 0o600, name);
});

test('what was written has the digest and the size of what is read', async (t) => {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writeAllButInventory(writer, sampleImage());
  await writer.commit(sampleImage().inventory);
  const [known, read] = [writer.contents, undefined].map((contents) => {
    const reader = ImageReader.open(path, {}, contents);
    const found = { digest: reader.digest(), size: reader.size() };
    reader.close();
    return found;
  });
  t.deepEqual(known, read);
  t.is(writer.contents.size, (known?.size.files ?? 0) - 1);
});

test('the digest is that of every file, its name and its place', async (t) => {
  const digest = (path: string): string => {
    const reader = ImageReader.open(path);
    try {
      return reader.digest();
    } finally {
      reader.close();
    }
  };
  const path = await written(t);
  const before = digest(path);
  await writeFile(join(path, 'more'), '');
  const more = digest(path);
  await rm(join(path, 'more'));
  t.is(digest(path), before);
  await rename(join(path, 'core-5.img'), join(path, 'core-6.img'));
  t.is(new Set([before, more, digest(path)]).size, 3);
});

test('what a directory has is measured, and compared, without reading it', async (t) => {
  const path = await written(t);
  const withReader = <T>(work: (reader: ImageReader) => T): T => {
    const reader = ImageReader.open(path);
    try {
      return work(reader);
    } finally {
      reader.close();
    }
  };
  const before = withReader((reader) => reader.size());
  t.true(before.bytes > 0);
  t.true(withReader((reader) => reader.hasSize(before)));
  await symlink('/dev/zero', join(path, 'more'));
  t.false(withReader((reader) => reader.hasSize(before)));
  await rm(join(path, 'more'));
  await truncate(join(path, 'core-5.img'), 2 ** 40);
  t.false(withReader((reader) => reader.hasSize(before)));
  t.throws(() => withReader((reader) => reader.digest(before.bytes)), { instanceOf: ShimError });
});

test('an existing empty directory will do, one with files will not', async (t) => {
  const path = await temporary(t);
  const writer = await ImageWriter.create(path);
  await writer.write('pstree', undefined, []);
  await fails(t, ImageWriter.create(path), 'alreadyExists', /not empty/);
  await writer.abort();
  t.deepEqual(await readdir(path), []);
  await fails(t, ImageWriter.create(join(path, 'a', 'b')), 'notFound', /ENOENT/);
  await writeFile(join(path, 'file'), '');
  await fails(t, ImageWriter.create(join(path, 'file')), 'invalidArgument', /ENOTDIR/);
});

test('abort leaves nothing, not even the directory it made', async (t) => {
  const parent = await temporary(t);
  const writer = await ImageWriter.create(join(parent, 'image'));
  await writer.write('utsns', 1, [{ nodename: 'a', domainname: 'b' }]);
  const raw = await writer.openRaw('tmpfs-dev', 7);
  await raw.close();
  await writer.abort();
  await writer.abort();
  t.deepEqual(await readdir(parent), []);
});

test('abort leaves files of others alone', async (t) => {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writer.write('pstree', undefined, []);
  await writeFile(join(path, 'dump.log'), 'x');
  await t.throwsAsync(writer.abort(), { instanceOf: ShimError });
  t.deepEqual(await readdir(path), ['dump.log']);
});

test('a file that is there already is not overwritten, nor is the target of a link', async (t) => {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writeFile(join(path, '..', 'victim'), 'x');
  await symlink('../victim', join(path, 'seccomp.img'));
  const writing = writer.write('seccomp', undefined, [{ seccomp_filters: [] }]);
  await fails(t, writing, 'alreadyExists', /write .*seccomp\.img: EEXIST/);
  t.is((await stat(join(path, '..', 'victim'))).size, 1);
});

test('a commit that fails can be aborted', async (t) => {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  await writer.write('pstree', undefined, []);
  await mkdir(join(path, 'inventory.img'));
  await t.throwsAsync(writer.commit({ img_version: 2, mvas_tmpfs: [] }), { instanceOf: ShimError });
  await rm(join(path, 'inventory.img'), { recursive: true });
  await writer.abort();
  await t.throwsAsync(stat(path), { code: 'ENOENT' });
});

test('without an inventory it is no checkpoint', async (t) => {
  const path = await written(t);
  await rm(join(path, 'inventory.img'));
  await fails(
    t,
    later(() => ImageReader.open(path)),
    'invalidArgument',
    /not a complete checkpoint/,
  );
  await fails(
    t,
    later(() => ImageReader.open(join(path, 'none'))),
    'invalidArgument',
    /ENOENT/,
  );
  await fails(
    t,
    later(() => ImageReader.open(join(path, 'vas.json'))),
    'invalidArgument',
    /ENOTDIR/,
  );
});

test('another image version is refused', async (t) => {
  const path = await written(t);
  await writeFile(
    join(path, 'inventory.img'),
    encodeImage('inventory', [{ img_version: 1, mvas_tmpfs: [] }]),
  );
  await fails(
    t,
    later(() => ImageReader.open(path)),
    'dataLoss',
    /image version 1/,
  );
});

test('a missing, a truncated and a too long file are refused by name', async (t) => {
  const path = await written(t);
  await truncate(join(path, 'core-5.img'), 50);
  await fails(
    t,
    later(() => read(path)),
    'dataLoss',
    /core-5\.img: .* at byte/,
  );
  await rm(join(path, 'pstree.img'));
  await fails(
    t,
    later(() => read(path)),
    'dataLoss',
    /read pstree\.img: the file is missing/,
  );
  await truncate(join(path, 'files.img'), 65 * 1024 * 1024);
  const reader = ImageReader.open(path);
  t.teardown(() => {
    reader.close();
  });
  await fails(
    t,
    later(() => reader.read('files')),
    'dataLoss',
    /more than such a file may have/,
  );
});

test('links, directories, FIFOs and sockets are not read', async (t) => {
  const path = await written(t);
  for (const name of ['pstree', 'files', 'seccomp', 'remap-fpath']) {
    await rm(join(path, `${name}.img`));
  }
  await symlink('/etc/hostname', join(path, 'pstree.img'));
  await mkdir(join(path, 'files.img'));
  execFileSync('mkfifo', [join(path, 'seccomp.img')]);
  const server = createServer().listen(join(path, 'remap-fpath.img'));
  t.teardown(() => server.close());
  const reader = ImageReader.open(path);
  t.teardown(() => {
    reader.close();
  });
  for (const kind of ['pstree', 'files', 'seccomp', 'remap-fpath'] as const) {
    await fails(
      t,
      later(() => reader.read(kind)),
      'dataLoss',
      /not a regular file/,
    );
  }
});

test('an image without a VAS says so, one with a wrong reference is refused', async (t) => {
  const path = await written(t);
  await writeFile(join(path, 'vas.json'), JSON.stringify({ ...VAS, vasId: '../../etc' }));
  const reader = ImageReader.open(path);
  t.teardown(() => {
    reader.close();
  });
  await fails(
    t,
    later(() => reader.vasReference()),
    'dataLoss',
    /vasId/,
  );
  await rm(join(path, 'vas.json'));
  const bare = ImageReader.open(path);
  t.teardown(() => {
    bare.close();
  });
  t.is(bare.vasReference(), undefined);
});

test('raw files are handed out as they are', async (t) => {
  const path = join(await temporary(t), 'image');
  const writer = await ImageWriter.create(path);
  const raw = await writer.openRaw('pages', 1);
  await raw.write('pages');
  await raw.close();
  await writer.commit({ img_version: 2, mvas_tmpfs: [] }, { durable: false });
  const reader = ImageReader.open(path);
  t.teardown(() => {
    reader.close();
  });
  t.is(reader.readRaw('pages', 1, 5).toString(), 'pages');
  t.deepEqual(reader.ids('pages'), [1]);
});
