// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSmaps } from '../../../../src/criu/procfs/smaps.js';
import { readAreas } from '../../../../src/native/index.js';
import { run } from '../../../helpers/run.js';
import { parseMaps } from '../../../../src/criu/procfs/maps.js';
import { parseSmaps } from '../../../helpers/smaps.js';
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

test('an area whose flags are missing is refused, whatever follows', (t) => {
  const text = '1000-2000 rw-p 00000000 00:00 0 \nRss: 4 kB\n3000-4000 rw-p 00000000 00:00 0 \n';
  refuses(t, () => parseSmaps(`${text}VmFlags: rd\n`), { file: 'smaps', shown: '1000-2000' });
  refuses(t, () => parseSmaps(text.replace('3000-4000', '')), {
    file: 'smaps',
    shown: '1000-2000',
  });
});

test('headers that no kernel writes are refused, as they are of maps', (t) => {
  for (const header of [
    '', 'x', '1000-2000', '2000-1000 r--p 00000000 00:00 0', '1000-2000 r--q 00000000 00:00 0',
    '1000-2000 rwx 00000000 00:00 0', '1000-2000 r--p 00000000 00:00 0x', '1000-2000 r--p 0 0:0 ',
    '1ffffffffffffffff-2ffffffffffffffff r--p 00000000 00:00 0',
    '1000-2000 R--p 00000000 00:00 0', '1000-2000 r--p 0000A000 00:00 0',
  ]) {
    const text = `500-600 r--p 00000000 00:00 0 \nVmFlags: rd \n${header}\nVmFlags: rd \n`;
    refuses(t, () => parseSmaps(text), { file: 'smaps', shown: JSON.stringify(header) });
    refuses(t, () => parseMaps(header + '\n'), { file: 'maps', shown: JSON.stringify(header) });
  }
}); // prettier-ignore

test('inodes of more than 64 bits, and devices of more than 32, are refused', (t) => {
  for (const numbers of ['00:00 18446744073709551616', '100000000:00 1']) {
    const header = `1000-2000 r--p 00000000 ${numbers}`;
    const refusal = { file: 'smaps', shown: JSON.stringify(header) };
    refuses(t, () => parseSmaps(`${header}\nVmFlags: rd \n`), refusal);
  }
});

test('names, numbers and addresses of any size are those of maps', (t) => {
  const headers = [
    '00001000-00002000 r-xs 00abcdef000 fe:12345 18446744073709551615       /a (deleted) b (deleted)',
    '00003000-00004000 ---p 00000000 00:00 0                  [anon:a (nested [name])]',
    '00004000-00005000 rw-p 00000000 00:00 0                  /line\\012feed\\134',
    '00006000-00007000 rw-p 00000000 00:00 7                  anon_inode:[perf_event]',
    '00008000-00009000 rw-p 00000000 00:00 7',
    `00009000-0000a000 rw-p 00000000 00:00 7  /${'long/'.repeat(60_000)}`,
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
  ];
  const areas = parseSmaps(
    headers.map((header) => `${header}\nSize: 4 kB\nVmFlags: rd \n`).join(''),
  );
  const known = parseMaps(headers.join('\n'));
  t.is(areas.length, headers.length);
  for (const [index, area] of areas.entries()) t.like(area, known[index] ?? {});
});

test('no memory is no areas', (t) => {
  t.deepEqual(parseSmaps(''), []);
});

test('a file is read to its end, in whatever pieces it comes', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mvas-smaps-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const fifo = join(directory, 'fifo');
  await run('mkfifo', [fifo]);
  const long = `1000-2000 rw-p 00000000 00:00 7  /${'long/'.repeat(60_000)}\nVmFlags: rd \n`;
  const text = Buffer.concat([fixture('odd/smaps'), Buffer.from(long), fixture('odd/smaps')]);
  const file = join(directory, 'text');
  await writeFile(file, text);
  const writer = spawn('dd', [`if=${file}`, `of=${fifo}`, 'bs=997'], { stdio: 'ignore' });
  const table = readAreas(fifo, true);
  await once(writer, 'exit');
  if (typeof table === 'number') return t.fail(String(table));
  t.deepEqual(decodeSmaps(table), parseSmaps(text));
  t.is(readAreas(join(directory, 'none'), true), -2);
});
