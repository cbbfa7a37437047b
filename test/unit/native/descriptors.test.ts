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
import { O, RESOLVE, SO, SOCK, SOL, STAT } from '../../../src/native/abi/index.js';
import { findOpenFile, socketOptions, statBelow } from '../../../src/native/index.js';
import { call, SYS } from '../../../src/native/sys.js';
import { OpenFileSet } from '../../../src/criu/resources/files/kcmp.js';
import { cPath, openHow } from '../../../src/criu/resources/files/system.js';

const { EBADF, EINVAL, ELOOP, ENOENT, ENOPROTOOPT, ENOTDIR } = constants.errno;
const AF_UNIX = 1;
/** An option that the kernel does not have. */
const NO_OPTION = 9999;

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

test('each option of a socket is told with its size, or why there is none', (t) => {
  const socket = call('socket', SYS.socket, AF_UNIX, SOCK.stream, 0);
  t.teardown(() => {
    closeSync(socket);
  });
  const asked = [SO.type, 4, NO_OPTION, 4, SO.linger, 8, SO.domain, 4];
  const names = Int32Array.from(
    [0, 2, 4, 6].flatMap((at) => [SOL.socket, ...asked.slice(at, at + 2)]),
  );
  const sizes = new Int32Array(4);
  const values = Buffer.alloc(20, 0xff);
  const words = (): number[] => [...new Int32Array(Uint8Array.from(values).buffer)];
  socketOptions(socket, names, sizes, values);
  t.deepEqual([...sizes], [4, -ENOPROTOOPT, 8, 4]);
  t.deepEqual(words(), [SOCK.stream, 0, 0, 0, AF_UNIX]);
  socketOptions(1_000_000, names, sizes, values);
  t.deepEqual([...sizes], [-EBADF, -EBADF, -EBADF, -EBADF]);
  t.deepEqual(words(), [0, 0, 0, 0, 0]);
  sizes.fill(1);
  socketOptions(socket, names, sizes, values.subarray(0, 8));
  t.deepEqual([...sizes], [4, -ENOPROTOOPT, 1, 1]); // what has no room is not read
});
