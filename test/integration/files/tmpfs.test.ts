// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { pack, type Header } from 'tar-stream';
import { ownPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import {
  readAttributes,
  writeAttributes,
  type Attribute,
} from '../../../src/criu/resources/tmpfs-attributes.js';
import {
  dumpTmpfs,
  openTmpfs,
  packTmpfs,
  restoreTmpfs,
  type TmpfsMount,
} from '../../../src/criu/resources/tmpfs.js';

/** Mounts two tmpfs in a directory; both are unmounted when the test ends. */
function mountTwo(t: ExecutionContext): { from: string; to: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-tmpfs-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  for (const mount of [from, to]) {
    execFileSync('mkdir', [mount]);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount]);
    t.teardown(() => execFileSync('umount', [mount]));
  }
  return { from, to, directory };
}

function list(directory: string): string {
  const format = '%P %y %m %U %G %n %s %l %T@\\n';
  const options = { cwd: directory, encoding: 'utf8' } as const;
  return execFileSync('find', ['.', '-printf', format], options).split('\n').sort().join('\n');
}

async function restore(mount: TmpfsMount): Promise<void> {
  restoreTmpfs(ownPid(), await openTmpfs([mount]));
}

test('a tmpfs comes back with everything in it', async (t) => {
  const { from, to } = mountTwo(t);
  const script = `
    mkdir -p a/b; echo text > a/b/file; chown 3:4 a/b/file; chmod 4711 a/b/file
    mkdir -p ids; touch ids/far; chown 4294967294:3000000 ids/far; chown 1000000:262144 ids
    ln -s ../nowhere a/link; ln a/b/file a/again; echo x > a/none; chmod 0 a/none; mkfifo -m 620 a/fifo; truncate -s 100k a/hole
    chmod 1777 .; mkdir -m 700 secret; chown 9:8 secret
    echo x > $(printf 'n%.0s' $(seq 200)); mkdir -p $(printf 'deep/%.0s' $(seq 50)); echo y > ä
    touch -h -d @1000000000.123456789 a/link a/fifo; touch -d @-1.5 ids/far; touch -d @5000000000 a/hole`;
  execFileSync('sh', ['-c', script], { cwd: from });
  writeFileSync(join(to, 'ä'), 'in the way');
  const [saved] = dumpTmpfs(ownPid(), [from]);
  if (!saved) throw new ShimError('internal', 'nothing was saved');
  await restore({ ...(await packTmpfs(saved)), mountPoint: to });
  t.is(list(to), list(from));
  t.is(readFileSync(join(to, 'a/again'), 'utf8'), 'text\n');
  t.is(lstatSync(join(to, 'a/again')).ino, lstatSync(join(to, 'a/b/file')).ino);
});

/** `struct posix_acl_xattr_header` and its entries: owner, user 7, group, mask, others. */
function acl(permissions: number): Buffer {
  const entries = [
    [1, 7, NOBODY],
    [2, permissions, 7],
    [4, 5, NOBODY],
    [16, 7, NOBODY],
    [32, 0, NOBODY],
  ] as const;
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2, 0);
  entries.forEach(([tag, permission, id], index) => {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(permission, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  });
  return bytes;
}

const NOBODY = 0xffff_ffff;
const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';

test('a tmpfs keeps extended attributes and ACLs, and inherits none', async (t) => {
  const { from, to } = mountTwo(t);
  const script = 'mkdir d d/below; touch d/file plain; mkfifo fifo; ln -s plain link';
  execFileSync('sh', ['-c', script], { cwd: from });
  const odd = Buffer.from([0, 10, 61, 255, 128]);
  const values = new Map<string, readonly Attribute[]>([
    ['.', [{ name: 'trusted.top', value: odd }]],
    [
      'plain',
      [
        { name: 'trusted.a=b c%', value: odd },
        { name: 'trusted.empty', value: odd.subarray(5) },
      ],
    ],
    ['link', [{ name: 'trusted.link', value: Buffer.alloc(60_000, 7) }]],
    ['fifo', [{ name: ACCESS, value: acl(6) }]],
    [
      'd',
      [
        { name: ACCESS, value: acl(5) },
        { name: DEFAULT, value: acl(4) },
      ],
    ],
  ]);
  for (const [name, attributes] of values) writeAttributes(join(from, name), attributes);
  const [saved] = dumpTmpfs(ownPid(), [from]);
  if (!saved) throw new ShimError('internal', 'nothing was saved');
  await restore({ ...(await packTmpfs(saved)), mountPoint: to });
  const told = (top: string): object[] =>
    [...values.keys(), 'd/file', 'd/below'].map((name) =>
      readAttributes(join(top, name)).sort((a, b) => a.name.localeCompare(b.name)),
    );
  t.deepEqual(told(to), told(from));
  t.is(told(to).flat().length, 7);
  t.is(lstatSync(join(to, 'fifo')).mode, lstatSync(join(from, 'fifo')).mode);
});

test('a path that is not a tmpfs is refused', (t) => {
  t.throws(() => dumpTmpfs(ownPid(), ['/proc']), { message: /no tmpfs is mounted/ });
});

/** An archive made by hand. */
async function archiveOf(
  entries: readonly (readonly [Partial<Header> & { name: string }, string])[],
): Promise<Uint8Array> {
  const archive = pack();
  for (const [header, data] of entries) archive.entry(header, data);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

const HOSTILE: Readonly<
  Record<string, readonly (readonly [Partial<Header> & { name: string }, string])[]>
> = {
  'an absolute name': [[{ name: '/etc/evil' }, 'x']],
  'a name with dots': [[{ name: 'a/../../evil' }, 'x']],
  'a way through a link': [
    [{ name: 'out', type: 'symlink', linkname: '..' }, ''],
    [{ name: 'out/evil' }, 'x'],
  ],
  'a hard link to the outside': [
    [{ name: 'out', type: 'symlink', linkname: '..' }, ''],
    [{ name: 'evil', type: 'link', linkname: 'out/file' }, ''],
  ],
  'an attribute that is none': [[{ name: 'f', pax: { 'LIBARCHIVE.xattr.evil': 'eA==' } }, '']],
  'a device': [[{ name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 }, '']],
};

for (const [what, entries] of Object.entries(HOSTILE)) {
  test(`a hostile archive does no harm: ${what}`, async (t) => {
    const { to, directory } = mountTwo(t);
    writeFileSync(join(directory, 'file'), 'mine');
    const archive = await archiveOf(entries);
    const mount = { mountPoint: to, dev: 1, archive };
    await t.throwsAsync(() => restore(mount), { instanceOf: ShimError });
    t.is(execFileSync('ls', [directory], { encoding: 'utf8' }), 'file\nfrom\nto\n');
    t.is(lstatSync(join(directory, 'file')).nlink, 1);
  });
}

test('a small archive may hold a large file', async (t) => {
  const { to } = mountTwo(t);
  const size = 3 << 20; // More than is unpacked at once.
  const data = Buffer.alloc(size, 'abc').toString('latin1');
  const archive = await archiveOf([[{ name: 'large', mode: 0o600 }, data]]);
  t.true(archive.length < 1 << 16, String(archive.length));
  await restore({ mountPoint: to, dev: 1, archive });
  t.is(readFileSync(join(to, 'large'), 'latin1'), data);
});

test('an archive that is none is refused', async (t) => {
  const { to } = mountTwo(t);
  for (const archive of [Buffer.from('no gzip'), gzipSync(Buffer.alloc(700, 'x'))]) {
    const mount = { mountPoint: to, dev: 1, archive };
    const error = await t.throwsAsync(() => restore(mount));
    t.true(error instanceof ShimError, String(error));
  }
});
