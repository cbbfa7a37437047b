// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { until } from '../../helpers/run.js';
import { TreeCopy } from '../../../src/criu/changes/tree-copy.js';
import { readAttributes, writeAttributes } from '../../../src/criu/resources/tmpfs-attributes.js';

/** A tree with everything that an upper folder of overlayfs may have, and where its copy goes. */
function tree(t: ExecutionContext): { from: string; to: string } {
  const top = mkdtempSync('/var/tmp/mvas-tree-');
  t.teardown(() => {
    rmSync(top, { recursive: true });
  });
  const [from, to] = [join(top, 'from'), join(top, 'to')];
  for (const path of [from, to, join(from, 'folder'), join(from, 'hidden')]) mkdirSync(path);
  writeFileSync(join(from, 'folder/file'), 'one', { mode: 0o4711 });
  linkSync(join(from, 'folder/file'), join(from, 'link'));
  symlinkSync('no/where', join(from, 'symlink'));
  writeFileSync(join(from, 'sparse'), '');
  truncateSync(join(from, 'sparse'), 64 << 20);
  appendFileSync(join(from, 'sparse'), 'end');
  execFileSync('mknod', [join(from, 'whiteout'), 'c', '0', '0']);
  execFileSync('mkfifo', [join(from, 'fifo')]);
  execFileSync('chown', ['-h', '7:8', join(from, 'symlink'), join(from, 'folder')]);
  const opaque = [{ name: 'trusted.overlay.opaque', value: Buffer.from('y') }];
  writeAttributes(join(from, 'hidden'), opaque);
  return { from, to };
}

/** What can be told of a tree: every inode, and what names it has. */
function describe(top: string): unknown[] {
  const paths = readdirSync(top, { recursive: true, encoding: 'utf8' }).sort();
  const inodes = new Map<bigint, string>();
  return ['', ...paths].map((path) => {
    const at = join(top, path);
    const stat = lstatSync(at, { bigint: true });
    const { mode, uid, gid, rdev, nlink, mtimeNs, size, ino } = stat;
    const first = inodes.get(ino) ?? path;
    inodes.set(ino, first);
    const content = stat.isFile() && size < 1000n ? readFileSync(at, 'utf8') : '';
    const length = stat.isFile() ? size : 0n;
    const blocks = stat.isFile() && stat.blocks * 512n < size ? 'sparse' : 'full';
    const names = path === '' ? [] : readAttributes(at).map(({ name }) => name);
    return { path, mode, uid, gid, rdev, nlink, mtimeNs, length, first, content, blocks, names };
  });
}

test('a copy is the same in everything', async (t) => {
  const places = tree(t);
  const copy = new TreeCopy(places);
  await copy.finish(new Set());
  t.deepEqual(describe(places.to), describe(places.from));
  t.false(copy.isEmpty);
});

test('it follows what changes', async (t) => {
  const places = tree(t);
  const { from } = places;
  const copy = new TreeCopy(places);
  await copy.follow();
  appendFileSync(join(from, 'link'), ' two');
  linkSync(join(from, 'link'), join(from, 'third'));
  rmSync(join(from, 'fifo'));
  rmSync(join(from, 'whiteout'));
  mkdirSync(join(from, 'whiteout'));
  writeFileSync(join(from, 'whiteout/inside'), 'x');
  renameSync(join(from, 'hidden'), join(from, 'seen'));
  mkdirSync(join(from, 'hidden'));
  rmSync(join(from, 'symlink'));
  symlinkSync('else/where', join(from, 'symlink'));
  utimesSync(join(from, 'folder'), 1, 2.5);
  await copy.finish(new Set());
  t.deepEqual(describe(places.to), describe(from));
  await copy.finish(new Set());
  t.deepEqual(describe(places.to), describe(from));
});

test('a file that is the same by its times is copied again if it is mapped', async (t) => {
  const places = tree(t);
  const path = join(places.from, 'old');
  writeFileSync(path, 'a');
  const { ctimeMs } = lstatSync(path);
  while (Date.now() < ctimeMs + 100) await new Promise((resolve) => setImmediate(resolve));
  const copy = new TreeCopy(places);
  await copy.follow();
  writeFileSync(join(places.to, 'old'), 'b'); // As if the mapping had been written to since.
  await copy.finish(new Set());
  t.is(readFileSync(join(places.to, 'old'), 'utf8'), 'b', 'it is not copied without need');
  await copy.finish(new Set(['/old']));
  t.is(readFileSync(join(places.to, 'old'), 'utf8'), 'a');
});

test('nothing to copy is empty', async (t) => {
  const places = tree(t);
  rmSync(places.from, { recursive: true });
  mkdirSync(places.from);
  const copy = new TreeCopy(places);
  await copy.finish(new Set());
  t.true(copy.isEmpty);
});

test('a tree that has gone is an error that names it', async (t) => {
  const places = tree(t);
  const copy = new TreeCopy({ ...places, from: '/no/such/tree' });
  await t.throwsAsync(copy.finish(new Set()), { message: /^copy \/ of the root .*: ENOENT/ });
});

test('what the container has a lease on in its root filesystem is copied without breaking it', async (t) => {
  const top = mkdtempSync('/var/tmp/mvas-tree-');
  const [lower, upper, work, merged, to] = ['lower', 'upper', 'work', 'merged', 'to'].map((name) =>
    join(top, name),
  ) as [string, string, string, string, string];
  for (const path of [lower, upper, work, merged, to]) mkdirSync(path);
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, merged]);
  t.teardown(() => {
    execFileSync('umount', [merged]);
    rmSync(top, { recursive: true });
  });
  writeFileSync(join(merged, 'file'), 'content');
  // Whoever would break a lease waits for its holder, so that is another process.
  const script = 'use Fcntl; open(F,"+<",$ARGV[0]); $SIG{IO}=sub{print "told\\n"; exit};';
  const hold = 'fcntl(F,1024,1) // die; $|=1; print "held\\n"; sleep 100';
  const holder = spawn('perl', ['-e', script + hold, join(merged, 'file')]);
  t.teardown(() => holder.kill('SIGKILL'));
  let said = '';
  holder.stdout.on('data', (text: Buffer) => (said += text.toString()));
  await once(holder.stdout, 'data');
  await new TreeCopy({ from: upper, to }).finish(new Set());
  t.is(readFileSync(join(to, 'file'), 'utf8'), 'content');
  t.is(said, 'held\n');
  // So it can be told: through the mount it would be broken.
  rmSync(join(to, 'file'));
  await new TreeCopy({ from: merged, to }).finish(new Set());
  await until('the holder to be told', () => Promise.resolve(said === 'held\ntold\n'));
});
