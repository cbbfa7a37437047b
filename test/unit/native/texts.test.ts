// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBelow } from '../../../src/native/index.js';

const { ENOENT, EISDIR, EINVAL } = constants.errno;

/** What was read of each name below each directory: text, or `-errno`; or that of the directory. */
function readAll(directories: string[], files: string[], links: string[] = []) {
  const { results, text } = readBelow(directories, files, links);
  const names = files.length + links.length;
  return directories.map((_, index) => {
    const [gone = 0, begin = 0, ...pairs] = results.subarray(index * (2 + names * 2));
    if (gone !== 0) return gone;
    let start = begin;
    return Array.from({ length: names }, (_unused, at) => {
      const [error = 0, end = 0] = pairs.slice(at * 2);
      const content = error === 0 ? text.toString('latin1', start, end) : error;
      start = end;
      return content;
    });
  });
}

function temporary(t: { teardown(work: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-texts-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

test('files and links are read in order, of any size', (t) => {
  const directory = temporary(t);
  const large = 'large '.repeat(100_000);
  writeFileSync(join(directory, 'large'), large);
  writeFileSync(join(directory, 'empty'), '');
  writeFileSync(join(directory, 'short'), 'x');
  symlinkSync('/no/where', join(directory, 'link'));
  t.deepEqual(readAll([directory], ['empty', 'large', 'empty', 'short'], ['link']), [
    ['', large, '', 'x', '/no/where'],
  ]);
  t.deepEqual(readAll([directory], []), [[]]);
});

test('each failure is told by itself, and the rest is read', (t) => {
  const directory = temporary(t);
  writeFileSync(join(directory, 'a'), 'A');
  writeFileSync(join(directory, 'b'), 'B');
  t.deepEqual(readAll([directory], ['a', 'missing', '.', 'b'], ['missing', 'a']), [
    ['A', -ENOENT, -EISDIR, 'B', -ENOENT, -EINVAL],
  ]);
});

test('a process is read by paths below its folder, and one that is gone is told', (t) => {
  const self = `/proc/${String(process.pid)}`;
  const gone = `/proc/${String(2 ** 22 + 1)}`;
  t.deepEqual(readAll([gone, self, gone], ['limits', 'task/../personality'], ['ns/mnt']), [
    -ENOENT,
    [
      readFileSync(`${self}/limits`, 'latin1'),
      readFileSync(`${self}/personality`, 'latin1'),
      readlinkSync(`${self}/ns/mnt`),
    ],
    -ENOENT,
  ]);
});

test('many directories are read at once, each to its own place', (t) => {
  const directory = temporary(t);
  const names = Array.from({ length: 500 }, (_, index) => String(index));
  for (const name of names) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'name'), name.repeat(100));
    symlinkSync(name, join(directory, name, 'link'));
  }
  const paths = names.map((name) => join(directory, name));
  t.deepEqual(
    readAll(paths, ['name', 'missing'], ['link']),
    names.map((name) => [name.repeat(100), -ENOENT, name]),
  );
});
