// SPDX-License-Identifier: Apache-2.0
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { NameSearch } from '../../../src/criu/resources/files/names/name-search.js';

const DIRECTORIES = 30;
const FILES = 100;
/** Directories, files and the top. */
const ALL = DIRECTORIES * (FILES + 1) + 1;

/** A tree of empty files; gone when the test ends. */
function makeTree(t: ExecutionContext): { top: string; files: string[] } {
  const top = mkdtempSync(join(tmpdir(), 'mvas-names-'));
  t.teardown(() => {
    rmSync(top, { recursive: true });
  });
  const files: string[] = [];
  for (let directory = 0; directory < DIRECTORIES; directory += 1) {
    mkdirSync(join(top, `d${String(directory)}`));
    for (let file = 0; file < FILES; file += 1) {
      const path = join(top, `d${String(directory)}`, `f${String(file)}`);
      writeFileSync(path, '');
      files.push(path);
    }
  }
  return { top, files };
}

function inodeOf(path: string): bigint {
  return lstatSync(path, { bigint: true }).ino;
}

/** Searches for the inodes of files; what is reported of them, in order. */
function want(
  search: NameSearch,
  files: readonly string[],
  where: { readonly mounts: readonly string[]; readonly near?: string },
): (string | undefined)[] {
  const told: (string | undefined)[] = [];
  for (const file of files) {
    search.want({ ...where, inode: inodeOf(file), settle: (path) => told.push(path) });
  }
  return told;
}

test('many names are found in a single walk, which does not block the event loop', async (t) => {
  const { top, files } = makeTree(t);
  const wanted = files.filter((_, at) => at % 10 === 0).reverse();
  const search = new NameSearch();
  const told = want(search, wanted, { mounts: [top] });
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 0);
  const seen = await search.run({ rootPid: asHostPid(process.pid) });
  clearInterval(counting);
  t.deepEqual(told, wanted);
  t.true(seen <= ALL + DIRECTORIES, `${String(seen)} of ${String(ALL)}`);
  t.true(turns > 3, `${String(turns)} turns`);
});

test('a walk ends with the last name wanted', async (t) => {
  const { top, files } = makeTree(t);
  const search = new NameSearch();
  const [near = '', ...others] = files.slice(-FILES);
  const told = want(search, [near, ...others], { mounts: [top], near: join(near, '..') });
  t.true((await search.run({ rootPid: asHostPid(process.pid) })) <= FILES + 1);
  t.deepEqual(told, [near, ...others]);
});

test('a name that is not found, not accepted or beyond the limit is reported as such', async (t) => {
  const { top, files } = makeTree(t);
  const search = new NameSearch();
  const [first = ''] = files;
  const told: (string | undefined)[] = [];
  const common = { mounts: [top], settle: (path: string | undefined) => told.push(path) };
  search.want({ ...common, inode: 0n });
  search.want({ ...common, inode: inodeOf(first), accepts: () => false });
  search.want({ ...common, inode: inodeOf(first) });
  await search.run({ rootPid: asHostPid(process.pid) });
  t.deepEqual(told.splice(0), [undefined, undefined, first]);
  search.want({ ...common, inode: 0n });
  const seen = await search.run({ rootPid: asHostPid(process.pid), mostEntries: 50 });
  t.deepEqual(told, [undefined]);
  t.true(seen <= 50);
});

test('a search can be cancelled', async (t) => {
  const { top } = makeTree(t);
  const search = new NameSearch();
  search.want({ inode: 0n, mounts: [top], settle: () => t.fail() });
  const controller = new AbortController();
  setImmediate(() => {
    controller.abort();
  });
  const error = await t.throwsAsync(
    () => search.run({ rootPid: asHostPid(process.pid), signal: controller.signal }),
    { instanceOf: ShimError },
  );
  t.is(error.kind, 'canceled');
});
