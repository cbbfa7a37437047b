// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { O, RESOLVE, STAT } from '../../../src/native/abi/index.js';
import { findOpenFile, statBelow } from '../../../src/native/index.js';
import { call, SYS } from '../../../src/native/sys.js';
import { OpenFileSet } from '../../../src/criu/resources/files/kcmp.js';
import { cPath, openHow } from '../../../src/criu/resources/files/system.js';

const { EBADF, EINVAL, ELOOP, ENOENT, ENOTDIR } = constants.errno;

interface Teardown {
  teardown(work: () => void): void;
}

function opened(t: Teardown, path = '/dev/null'): number {
  const fd = openSync(path, 'r');
  t.teardown(() => {
    closeSync(fd);
  });
  return fd;
}

function copyOf(t: Teardown, fd: number): number {
  const copy = call('dup', SYS.dup, fd);
  t.teardown(() => {
    closeSync(copy);
  });
  return copy;
}

test('an open file is found by any of its descriptors, among any number of them', (t) => {
  const files = Array.from({ length: 9 }, () => ({ own: opened(t) }));
  const set = new OpenFileSet<{ own: number }>();
  for (const file of files) t.is(set.findOrAdd(file), file);
  for (const file of files) t.is(set.findOrAdd({ own: copyOf(t, file.own) }), file);
});

test('where an open file is not, its place is told, and a bad descriptor is an error', (t) => {
  const [a, b] = [opened(t), opened(t)];
  const place = Int32Array.of(-1);
  t.is(findOpenFile(new Int32Array(4), 0, a, place), 0);
  t.is(place[0], 0);
  const isBefore = findOpenFile(Int32Array.of(a), 1, b, place) === 0 && place[0] === 0;
  const sorted = Int32Array.from(isBefore ? [b, a] : [a, b]);
  t.is(findOpenFile(sorted, 2, copyOf(t, a), place), 1);
  t.is(sorted[place[0] ?? -1], a);
  t.is(findOpenFile(sorted, 2, 1_000_000, place), -EBADF);
});

test('a path is looked up below a directory, and nowhere else', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-below-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(join(directory, 'etc'));
  symlinkSync('/etc', join(directory, 'link'));
  const root = opened(t, directory);
  const stat = Buffer.alloc(STAT.bytes);
  const look = (path: string, flags = 0): number => {
    const how = openHow(O.path | O.cloexec | flags, 0, RESOLVE.inRoot);
    return statBelow(root, cPath(path), how, stat);
  };
  const etc = fstatSync(opened(t, join(directory, 'etc')), { bigint: true });
  for (const path of ['/etc', '../../etc', 'link', 'link/../etc/.']) {
    stat.fill(0);
    t.is(look(path), 0, path);
    t.is(stat.readBigUInt64LE(STAT.device), etc.dev);
    t.is(stat.readBigUInt64LE(STAT.inode), etc.ino);
  }
  t.is(look('/usr'), -ENOENT);
  t.is(look('/link', O.nofollow | O.directory), -ENOTDIR);
  t.is(statBelow(root, cPath('etc'), openHow(O.path, 0, 0), Buffer.alloc(8)), -EINVAL);
  t.is(statBelow(root, cPath('link'), openHow(O.rdonly | O.nofollow, 0, 0), stat), -ELOOP);
});
