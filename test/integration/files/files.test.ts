// SPDX-License-Identifier: Apache-2.0
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { asHostTid, asNsPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { PlanBuilder } from '../../../src/criu/plan/builder.js';
import { RowWord } from '../../../src/criu/plan/row.js';
import { readChildren, readMaps } from '../../../src/criu/procfs/reader.js';
import type { FilesImage } from '../../../src/criu/resources/files/index.js';
import { makePipe } from '../../../src/criu/resources/files/system.js';
import { closeFd, SYS } from '../../../src/native/sys.js';
import { comparable } from './comparable.js';
import { dumpImage, FilesBench, killAndWait } from './harness.js';

interface Restored {
  readonly before: FilesImage;
  readonly after: FilesImage;
}

/** Opens files of a kind, dumps them, ends the process, restores them in another, dumps again. */
async function roundTrip(t: ExecutionContext, kind: string): Promise<Restored> {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const original = await bench.open(kind);
  const before = await dumpImage([original]);
  t.deepEqual(comparable(await dumpImage([original]), original), comparable(before, original));
  await bench.end(original);
  await bench.restore(before);
  const after = await dumpImage([original]);
  t.deepEqual(comparable(after, original), comparable(before, original));
  return { before, after };
}

for (const kind of [
  'regular',
  'ghost',
  'pipes',
  'events',
  'unix',
  'linked',
  'inet',
  'memory',
  'locks',
]) {
  test(`a process gets its files back: ${kind}`, async (t) => {
    const { before, after } = await roundTrip(t, kind);
    t.is(after.files.length, before.files.length);
    t.true(before.files.length > 3);
  });
}

test('a connection that has ended stays ended, one that was never made does not become so', async (t) => {
  const { after } = await roundTrip(t, 'inet');
  const closed = after.files.filter(({ isk }) => isk?.proto === 6 && isk.state === 7);
  t.deepEqual(
    closed.map(({ isk }) => isk?.shutdown),
    [undefined, 'BOTH'],
  );
});

/** A folder of files that a restore must leave as they are, and what it looks like. */
function makeOther(bench: FilesBench): { path: string; look: () => string[] } {
  const path = bench.path('other');
  mkdirSync(path);
  for (const name of ['s', 'kept']) writeFileSync(join(path, name), name, { mode: 0o640 });
  const look = (): string[] =>
    readdirSync(path).map((name) => {
      const { mode, uid, ino } = statSync(join(path, name));
      return [name, mode, uid, ino].join(' ');
    });
  return { path, look };
}

for (const what of ['socket', 'relative', 'directory', 'fifo', 'file']) {
  test(`a folder that has become a symbolic link is not followed: ${what}`, async (t) => {
    const bench = new FilesBench();
    t.teardown(() => bench.dispose());
    const original = await bench.open(`in-${what}`);
    const image = await dumpImage([original]);
    await bench.end(original);
    const { path, look } = makeOther(bench);
    const before = look();
    renameSync(bench.path('work/in'), bench.path('work/was'));
    symlinkSync(path, bench.path('work/in'));
    const message = /open folder .*\/in without following symbolic links: ELOOP/;
    await t.throwsAsync(bench.restore(image), { instanceOf: ShimError, message });
    t.deepEqual(look(), before);
  });
}

test('a symbolic link in the name of a socket does not lead its file elsewhere', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const original = await bench.open('linked');
  const image = await dumpImage([original]);
  await bench.end(original);
  const { path, look } = makeOther(bench);
  const before = look();
  unlinkSync(bench.path('work/link'));
  symlinkSync(path, bench.path('work/link'));
  await bench.restore(image);
  t.true(lstatSync(bench.path('work/in/absolute')).isSocket());
  t.deepEqual(look(), before);
});

test('a row of a plan that fails is told by its own words', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const builder = new PlanBuilder();
  const root = builder.sequence('root');
  const rows = BigUint64Array.of(1n, 50n, 0n, 1n, 51n, 0n, 49n, 52n, 0n, 1n, 53n, 0n);
  root.rows({
    nr: SYS.dup3,
    data: builder.data(new Uint8Array(rows.buffer)),
    width: 3,
    what: (row) => `place fd ${String(row + 50)}`,
  });
  root.end();
  await t.throwsAsync(bench.run(builder, root), { message: /^root: place fd 52: EBADF/ });
});

for (const [what, { expected, error }] of Object.entries({
  'the result': { expected: 50n, error: /^root: row 1: copy: EBADF/ },
  'a word of the row': { expected: 9n, error: /^root: row 0: copy: .*50/ },
})) {
  test(`operations that are done for rows stop at the first that fails by ${what}`, async (t) => {
    const bench = new FilesBench();
    t.teardown(() => bench.dispose());
    const builder = new PlanBuilder();
    const root = builder.sequence('root');
    const rows = BigUint64Array.of(1n, 50n, expected, 49n, 51n, 51n);
    const data = builder.data(new Uint8Array(rows.buffer));
    const body = builder.sequence('');
    const number = new RowWord(8);
    body.syscall('make', SYS.dup, [1], { move: number });
    const args = [new RowWord(0), number, 0];
    body.syscall('copy', SYS.dup3, args, { expect: new RowWord(16) });
    body.end();
    root.each({ data, width: 24, what: (row) => `row ${String(row)}` }, body);
    root.end();
    await t.throwsAsync(bench.run(builder, root), { message: error });
  });
}

test('processes share files again as they did', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const parent = await bench.open('family');
  const pids = [parent, ...readChildren(asHostTid(parent))];
  t.is(pids.length, 3);
  const before = await dumpImage(pids);
  const [own, shared] = pids.slice(1).map((pid) => before.tables.get(asNsPid(pid)) ?? 0);
  t.is(shared, before.tables.get(asNsPid(parent)) ?? -1);
  t.not(own, shared);
  for (const pid of pids.slice(1)) await killAndWait(pid);
  await bench.end(parent);
  await bench.restore(before);
  t.deepEqual(comparable(await dumpImage(pids), parent), comparable(before, parent));
});

test('files of mappings and executables are entries like others, each once', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const pid = await bench.open('ghost');
  const image = await dumpImage([pid], (dumper, [process]) => {
    if (!process) return;
    const ids = readMaps(asHostTid(pid))
      .filter(({ inode }) => inode !== 0n)
      .map(({ start, end, shared, offset, ...file }) => {
        const kind = shared ? 'file-shared' : 'file-private';
        return [file.path, dumper.mappedFile(process, { start, end, kind, offset }, file)] as const;
      });
    const paths = new Map(ids);
    for (const [path, id] of ids) t.is(id, paths.get(path) ?? -1);
    t.is(new Set(paths.values()).size, paths.size);
    t.is(dumper.exeFile(process), paths.get(bench.path('opener')) ?? -1);
  });
  const exe = image.files.find(({ reg }) => reg?.name === bench.path('opener'));
  t.is(exe?.type, 'REG');
  t.is((exe?.reg?.flags ?? 0) & 3, 0);
});

test('stdio whose other end is outside becomes the new stdio', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const pipes = [makePipe(), makePipe()] as const;
  t.teardown(() => {
    pipes.flat().forEach(closeFd);
  });
  const pid = await bench.open('stdio', [pipes[0][1], pipes[1][1]]);
  const before = await dumpImage([pid]);
  const stdio = before.files.filter((file) => file.mvas_stdio !== undefined);
  t.deepEqual(
    stdio.map(({ type, mvas_stdio: which }) => [type, which]),
    [
      ['PIPE', 1],
      ['PIPE', 2],
      ['PIPE', 1],
    ],
  );
  await bench.end(pid);
  await bench.restore(before);
  const after = await dumpImage([pid]);
  const table = after.fdinfo.get(1) ?? [];
  const ids = new Map(table.map(({ fd, id }) => [fd, id]));
  t.is(ids.get(1), ids.get(5));
  t.is(ids.get(1), ids.get(6));
  t.not(ids.get(1), ids.get(2));
  t.is(after.files.find(({ id }) => id === ids.get(1))?.reg?.name, '/dev/null');
});

test('what cannot be restored is refused, all of it in one error', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const pid = await bench.open('refused');
  const error = await t.throwsAsync(() => dumpImage([pid]), { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  for (const word of ['family 40', 'packet mode']) {
    t.true(error.message.includes(word), `${word} in ${error.message}`);
  }
  t.true(error.message.includes(`pid ${String(pid)} (`));
});
