// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseMaps } from '../../../../src/criu/procfs/maps.js';
import { endOfAreas, parseSmaps } from '../../../../src/criu/procfs/smaps.js';
import { fixture, refuses } from './fixture.js';

test('areas are those of maps, with counters in bytes and flags', (t) => {
  const areas = parseSmaps(fixture('odd/smaps'));
  const known = new Map(parseMaps(fixture('odd/maps')).map((vma) => [vma.start, vma]));
  t.true(areas.length > 10);
  for (const area of areas) {
    t.like(area, known.get(area.start) ?? t.fail('an area that maps lacks'));
    t.true(area.anonHugePages <= area.rss);
    t.is(area.vmFlags.has('rd'), area.read);
    t.is(area.vmFlags.has('sh'), area.shared);
  }
});

test('huge pages and madvise flags are seen', (t) => {
  const huge = parseSmaps(fixture('odd/smaps')).filter((area) => area.anonHugePages > 0);
  t.true(huge.length > 0);
  t.true(huge.every((area) => area.anonHugePages % (2 << 20) === 0));
  t.true(huge.some((area) => area.vmFlags.has('hg')));
  t.true(huge.some((area) => area.vmFlags.has('dc')));
});

test('the stack grows downwards', (t) => {
  const stack = parseSmaps(fixture('odd/smaps')).find((area) => area.special === '[stack]');
  t.true(stack?.vmFlags.has('gd'));
});

test('a protection key is read where the CPU has them; missing counters are 0', (t) => {
  const header = '1000-2000 rw-p 00000000 00:00 0 \n';
  const text = `${header}Rss:  12 kB\nProtectionKey:         3\nVmFlags: rd wr \n`;
  const [area, next] = parseSmaps(`${text}${text.replace('Prot', 'Other')}`);
  t.is(area?.protectionKey, 3);
  t.is(area?.rss, 12288);
  t.is(area?.swap, 0);
  t.deepEqual([...(area?.vmFlags ?? [])], ['rd', 'wr']);
  t.is(next?.protectionKey, 0);
  t.is(next?.vmFlags, area?.vmFlags);
});

test('a counter before any area, or in another unit, is refused', (t) => {
  const flags = 'VmFlags: rd\n';
  refuses(t, () => parseSmaps(`Rss: 4 kB\n${flags}`), { file: 'smaps', shown: 'Rss: 4 kB' });
  const text = `1000-2000 rw-p 00000000 00:00 0 \nSwap: 4 MB\n${flags}`;
  refuses(t, () => parseSmaps(text), { file: 'smaps', shown: 'Swap: 4 MB' });
});

test('an area without flags is refused: nobody knows what it is', (t) => {
  const text = '1000-2000 rw-p 00000000 00:00 0 \nRss: 4 kB\n';
  refuses(t, () => parseSmaps(text), { file: 'smaps', shown: '1000-2000' });
});

test('whatever part of the file is there, its whole areas are', (t) => {
  const text = fixture('odd/smaps').subarray(0, 6000);
  for (let length = 0; length <= text.length; length++) {
    const end = endOfAreas(text.subarray(0, length));
    const ends = [
      ...text
        .subarray(0, length)
        .toString('latin1')
        .matchAll(/\nVmFlags:.*\n/g),
    ];
    const last = ends.at(-1);
    t.is(end, last ? last.index + last[0].length : 0);
  }
});
