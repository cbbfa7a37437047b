// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encodeBytes } from '../../../../src/common/bytes.js';
import { parseMaps, type Vma } from '../../../../src/criu/procfs/maps.js';
import { fixture, refuses } from './fixture.js';

const DIRECTORY = '/srv/dir (odd)\nsecond line/';

function find(areas: readonly Vma[], path: string): Vma | undefined {
  return areas.find((vma) => vma.path === path);
}

test('all areas of a process are parsed, in ascending order and without overlap', (t) => {
  const areas = parseMaps(fixture('odd/maps'));
  t.is(areas.length, fixture('odd/maps').toString('latin1').split('\n').length - 1);
  for (const [index, vma] of areas.entries()) {
    t.true(vma.start < vma.end);
    t.true(vma.start >= (areas[index - 1]?.end ?? 0n));
  }
});

test('a mapped file has its range, protection, offset, device, inode and path', (t) => {
  t.deepEqual(parseMaps(fixture('container/maps'))[1], {
    start: 0x401000n,
    end: 0x585000n,
    read: true,
    write: false,
    exec: true,
    shared: false,
    offset: 0x1000n,
    dev: { major: 254, minor: 0 },
    inode: 9977971n,
    path: '/bin/busybox',
    deleted: false,
    special: '',
    anonName: undefined,
  });
});

test('paths keep spaces, line feeds, carriage returns, tabs and characters of any script', (t) => {
  const areas = parseMaps(fixture('odd/maps'));
  for (const name of ['plain', 'with space', 'cr\rtab\t', 'ünïcode ']) {
    t.truthy(find(areas, DIRECTORY + name), name);
  }
  t.true(find(areas, `${DIRECTORY}ünïcode `)?.shared);
});

test('a path that is not UTF-8 can be turned back into its bytes', (t) => {
  const vma = parseMaps(fixture('odd/maps')).find(({ path }) => path.includes('latin1'));
  const bytes = Buffer.concat([Buffer.from(`${DIRECTORY}latin1-`), Buffer.of(0xe9, 0xff)]);
  t.deepEqual(encodeBytes(vma?.path ?? ''), bytes);
});

test('deleted files lose the mark and are told by a flag', (t) => {
  const areas = parseMaps(fixture('odd/maps'));
  t.true(find(areas, `${DIRECTORY}gone`)?.deleted);
  t.false(find(areas, `${DIRECTORY}with space`)?.deleted);
  t.true(find(areas, '/dev/zero')?.deleted);
  t.true(find(areas, '/SYSV00001234')?.deleted);
  t.true(find(areas, '/memfd:a memfd\nname')?.deleted);
});

test('areas without a file have the name in brackets that the kernel gives, or none', (t) => {
  const areas = parseMaps(fixture('odd/maps'));
  const special = areas.filter((vma) => vma.special !== '').map((vma) => vma.special);
  t.deepEqual(special, ['[heap]', '[vvar]', '[vvar_vclock]', '[vdso]', '[stack]', '[vsyscall]']);
  const nameless = areas.filter((vma) => vma.path === '' && vma.special === '');
  t.true(nameless.length > 5);
  t.true(nameless.every((vma) => vma.inode === 0n));
});

test('kernels with one vvar, named anonymous memory and pseudo files are understood', (t) => {
  const areas = parseMaps(fixture('old/maps'));
  const named = (special: string) => areas.find((vma) => vma.special === special);
  const arena = '[anon:arena \u2028 of (nested [name])]';
  t.is(named(arena)?.anonName, 'arena \u2028 of (nested [name])');
  t.is(named('[anon_shmem:ring]')?.anonName, 'ring');
  t.is(named('[anon_shmem:ring]')?.inode, 4097n);
  t.is(named('[vvar]')?.anonName, undefined);
  t.truthy(find(areas, 'anon_inode:[perf_event]'));
  t.true(find(areas, '/[aio]')?.deleted);
  t.is(areas.at(-1)?.end, 0xffffffffff601000n);
});

test('no memory is no areas', (t) => {
  t.deepEqual(parseMaps(''), []);
});

for (const line of [
  '400000-401000 r-xp 00000000 08:01 12x /bin/app',
  '401000-400000 r-xp 00000000 08:01 12 /bin/app',
  '400000-401000 rwx 00000000 08:01 12 /bin/app',
  '11111111111111111-21111111111111111 r-xp 00000000 08:01 12 /bin/app',
  '',
]) {
  test(`a line that is none of maps is refused: ${JSON.stringify(line)}`, (t) => {
    const text = `00001000-00002000 r-xp 00000000 08:01 12\n${line}\n`;
    refuses(t, () => parseMaps(text), { file: 'maps', shown: JSON.stringify(line) });
  });
}
